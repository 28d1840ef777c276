import Foundation
import Tensors

/// What goes wrong in a stream of a simulated day.
enum SoakFaultKind: String, CaseIterable, Codable, Sendable {
  /// One feature jumps and stays.
  case level
  /// One feature leaves its range step by step.
  case ramp
  /// One feature trembles.
  case variance
  /// A feature that follows the others follows them the other way round.
  case relation
  /// A feature stands still.
  case stuck
  /// All features at once, for a few events.
  case burst
}

/// A fault of one stream, in whole events from the begin of the simulation.
struct SoakFault: Codable, Sendable {
  let kind: SoakFaultKind
  let stream: Int
  let feature: Int
  let start: Int
  let end: Int
}

/// A simulated day: when what happens, all of it from the seed.
struct SoakPlan {
  let streams: Int
  let features: Int
  /// Events of each stream before the day begins, to learn from.
  let learning: Int
  /// Events of each stream in the day.
  let day: Int
  /// Seconds of event time between two events of a stream.
  let interval: Double
  let faults: [SoakFault]
  /// When the daemon ends, and whether without a chance to save anything.
  let restarts: [(tick: Int, isKill: Bool)]

  init(
    streams: Int, features: Int, learning: Int, day: Int, interval: Double, faults: Int, restarts: Int,
    seed: UInt64
  ) {
    var random = RandomStream(seed: seed, stream: 0x50414b)
    self.streams = streams
    self.features = features
    self.learning = learning
    self.day = day
    self.interval = interval
    // Each in a stream of its own, so that it is clear which incident belongs to what.
    let victims = random.permutation(streams)
    self.faults = (0..<min(faults, streams)).map { index in
      let kind = SoakFaultKind.allCases[index % SoakFaultKind.allCases.count]
      let length = kind == .burst ? 5 : 20 + random.below(40)
      let start = learning + 30 + random.below(max(1, day - 130))
      return SoakFault(
        kind: kind, stream: victims[index], feature: random.below(features), start: start, end: start + length
      )
    }.sorted { $0.start < $1.start }
    self.restarts = (0..<restarts).map { index in
      (learning + day * (index + 1) / (restarts + 1) + random.below(20), index % 2 == 1)
    }
  }
}

/// The streams of a simulated day: features that follow two moving causes, each with noise of its own.
struct SoakWorld {
  private let plan: SoakPlan
  /// By stream: two causes as autoregressive processes.
  private var causes: [Float]
  private var stuck: [Int: Float] = [:]
  private var random: RandomStream
  private let loadings: [Float]
  private let faultsOf: [Int: SoakFault]

  init(_ plan: SoakPlan, seed: UInt64) {
    self.plan = plan
    random = RandomStream(seed: seed, stream: 0x5041_5744)
    causes = random.normals(2 * plan.streams)
    var values = RandomStream(seed: seed, stream: 0x4c4f_4144)
    loadings = values.normals(2 * plan.features).map { $0 + ($0 < 0 ? -0.5 : 0.5) }
    faultsOf = Dictionary(plan.faults.map { ($0.stream, $0) }) { first, _ in first }
  }

  /// Every stream's values at the next tick, `[streams, features]`.
  mutating func next(_ tick: Int) -> [Float] {
    var values = [Float](repeating: 0, count: plan.streams * plan.features)
    let shocks = random.normals(2 * plan.streams)
    let noise = random.normals(values.count)
    for stream in 0..<plan.streams {
      for cause in 0..<2 {
        causes[2 * stream + cause] = 0.9 * causes[2 * stream + cause] + 0.436 * shocks[2 * stream + cause]
      }
      let fault = faultsOf[stream].flatMap { ($0.start..<$0.end).contains(tick) ? $0 : nil }
      for feature in 0..<plan.features {
        let at = stream * plan.features + feature
        let isHit = fault.map { $0.feature == feature || $0.kind == .burst } ?? false
        var moved =
          loadings[2 * feature] * causes[2 * stream] + loadings[2 * feature + 1] * causes[2 * stream + 1]
        var own = 0.3 * noise[at]
        if let fault, isHit {
          // Deviations of a feature are about 1.5.
          switch fault.kind {
          case .level: own += 9
          case .ramp: own += 12 * Float(tick - fault.start + 1) / Float(fault.end - fault.start)
          case .variance: own *= 25
          case .relation: moved = -moved
          case .stuck: break
          case .burst: own += 9
          }
        }
        var value = 50 + 10 * Float(feature) + moved + own
        if let fault, isHit, fault.kind == .stuck {
          value = stuck[stream] ?? value
          stuck[stream] = value
        }
        values[at] = value
      }
    }
    return values
  }
}
