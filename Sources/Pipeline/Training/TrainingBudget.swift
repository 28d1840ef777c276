/// How much processor time training may use: a share of one core on average, with a burst after a rest.
///
/// A token bucket in processor seconds. The clock is handed in, so that a test can turn it.
struct TrainingBudget: Sendable {
  /// Share of one core, 0.01 to 1.
  private(set) var share: Double
  /// The most that can be saved up, processor seconds.
  private(set) var burst: Double
  /// Processor seconds used since the start.
  private(set) var used: Double = 0
  private var saved: Double
  private var updated: Double
  private let began: Double

  /// - Parameter now: seconds of a clock that never goes back.
  init(share: Double, burst: Double, now: Double) {
    self.share = share
    self.burst = burst
    saved = burst
    updated = now
    began = now
  }

  mutating func change(share: Double, burst: Double) {
    self.share = share
    self.burst = burst
    saved = min(saved, burst)
  }

  /// Takes what a piece of work has used.
  mutating func spend(_ processorSeconds: Double, now: Double) {
    refill(now)
    saved -= processorSeconds
    used += processorSeconds
  }

  /// Seconds to rest before the next piece of work; 0 when it may begin.
  mutating func rest(now: Double) -> Double {
    refill(now)
    return saved > 0 ? 0 : (0.05 - saved) / share
  }

  /// What was used, as a share of one core since the start.
  func usedShare(now: Double) -> Double { now > began ? used / (now - began) : 0 }

  private mutating func refill(_ now: Double) {
    saved = min(burst, saved + share * max(0, now - updated))
    updated = max(updated, now)
  }
}
