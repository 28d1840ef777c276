import Glibc

/// Keeps the incidents that chance brings, over all streams, within so many a week.
///
/// How strange an event must be to open an incident rises by `step` whenever one opened that was as short as chance, and
/// falls by as much in the time in which the budget allows one: the rule of adaptive conformal inference (Gibbs & Candès,
/// NeurIPS 2021, eq. 2) over incidents instead of events. Over any time T the incidents are thus at most
/// `perWeek · T + (the rise of strictness) / step`, whatever the p-values are worth.
public struct FalseAlarmBudget: Sendable, Equatable {
  public static let week = 604_800.0
  /// Nats per incident.
  static let step: Float = 0.5
  /// Nats; beyond it an event would have to be stranger than a p-value can say.
  static let most: Float = 100

  /// Nats by which an event may at most be less strange than without a budget: what the budget leaves unused finds smaller faults.
  static let least: Float = -2

  /// Incidents a week over all streams.
  public let perWeek: Double
  /// By how many nats the p-value of an event must be smaller than without a budget; below 0 it may be larger.
  public private(set) var strictness: Float = 0
  /// Incidents by chance so far, and the event time in which they came, seconds.
  public private(set) var incidents: UInt64 = 0
  public private(set) var span = 0.0
  /// Event time of the newest event of all streams.
  private var last: Double?
  private var hasBegun = false

  public init(perWeek: Double) {
    precondition(perWeek > 0, "a budget of \(perWeek) incidents a week")
    self.perWeek = perWeek
  }

  /// What the budget allows in the time that was measured.
  public var allowed: Double { perWeek * span / Self.week }

  /// Time has come to this; times before the newest change nothing.
  ///
  /// - Parameter events: scored so far; from them, once they tell, follows where strictness begins.
  public mutating func advance(to time: Double, events: UInt64) {
    guard let last else {
      last = time
      return
    }
    // Over a gap in the events there was nothing that could have alarmed.
    let passed = min(max(0, time - last), 3600)
    self.last = max(last, time)
    span += passed
    if !hasBegun, span >= 600, events >= 1000 {
      hasBegun = true
      let eventsPerWeek = Double(events) * Self.week / span
      // One event in ten thousand opens an incident where nothing is known.
      let expected = 1e-4 * eventsPerWeek
      strictness = min(Self.most, max(0, Float(log(expected / perWeek))))
    }
    strictness = max(Self.least, strictness - Self.step * Float(perWeek * passed / Self.week))
  }

  /// An incident is over that was as short as chance, or somebody said that it was a false alarm.
  public mutating func countIncident() {
    incidents += 1
    strictness = min(Self.most, strictness + Self.step)
  }

  /// The score, 0 to 100, that does what `score` does without a budget.
  public static func stricter(_ score: Double, by strictness: Float) -> Double {
    100 * (1 - (1 - score / 100) * Double(expf(-strictness / 4)))
  }

  // MARK: what is kept over a restart

  /// - Parameter state: what ``state`` was.
  public mutating func restore(_ state: [Double]) {
    guard state.count == 3, state.allSatisfy(\.isFinite), state[1] >= 0, state[2] >= 0 else { return }
    strictness = min(Self.most, max(Self.least, Float(state[0])))
    incidents = UInt64(state[1])
    span = state[2]
    hasBegun = true
  }

  public var state: [Double] { [Double(strictness), Double(incidents), span] }
}
