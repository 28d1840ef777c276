import Generative

/// How much each detector counts on one stream, learned without labels: from faults planted into copies of rows that were not
/// fitted on, and from how steady its p-values are on these rows as they came.
///
/// The weights are those whose weighted sum of −ln p tells planted faults from normal rows best, Fisher's linear discriminant
/// w ∝ S⁻¹ g with w ≥ 0 (Fisher, Annals of Eugenics 7 (1936) 179): g is by how much a detector's −ln p is higher on faulty rows, in
/// the mean over the kinds of faults; S is how it varies, together with the others, on normal rows, and by how much its
/// mean differs between the older and the newer half of them. So a detector counts more that finds what the others do not, and
/// less that drifts or only says the same again. What few rows and made faults say is trusted half: weights stay between three
/// quarters and one and a half times the equal one.
enum LearnedWeights {
  /// Of held-out rows, that it takes and that are looked at.
  static let rows = 64...512
  /// In nats: beyond it a fault is found anyway, and one that nobody found among the rows held out must not look like noise.
  private static let bound: Float = 5
  /// How much of what was learned is believed; the rest is the equal weight.
  private static let trust = 0.5
  private static let limits = 0.5...2.0

  /// Per detector the factor of its weight, around 1; empty where there is too little to learn from.
  ///
  /// - Parameter counting: which detectors have a weight at all.
  static func factors(
    of members: [Member], counting: [Bool], calibrations: [ScoreCalibration], on lesson: Lesson,
    settings: DetectionSettings, seed: UInt64
  ) -> [Float] {
    // Without an order in time no fault has a length, and tables have strange rows among those held out.
    guard lesson.plan.ordered, let stretch = lesson.heldOutStretch(most: rows.upperBound),
      stretch.counts.count(where: { $0 }) >= rows.lowerBound
    else { return [] }
    let scorer = Scorer(
      members: members, counting: counting, calibrations: calibrations,
      readings: calibrations.map { ThresholdTracker($0) }, plan: lesson.plan, settings: settings)
    let normal = scorer.parts(of: stretch.rows, where: stretch.counts)
    let gains = gains(scorer, stretch, normal: normal.map(\.mean), seed: seed)
    let weights = discriminant(scatter(of: normal), gains, counting)
    let mean = weights.reduce(0, +) / Double(max(1, counting.count { $0 }))
    guard mean > 0 else { return [] }
    return weights.indices.map { index in
      let learned = min(max(weights[index] / mean, limits.lowerBound), limits.upperBound)
      return counting[index] ? Float(1 - trust + trust * learned) : 1
    }
  }

  /// By how much each detector's −ln p is higher on faulty rows, in the mean over the kinds; 0 where it is lower.
  private static func gains(
    _ scorer: Scorer, _ stretch: HeldOutStretch, normal: [Double], seed: UInt64
  ) -> [Double] {
    let plan = scorer.plan
    let scales = (0..<plan.fields).map {
      RobustScale(centre: plan.centres[$0], spread: 1 / plan.inverses[$0])
    }
    let repetitions = max(1, rows.upperBound / stretch.rows.count)
    var sums = [Double](repeating: 0, count: normal.count)
    var kinds = 0
    for (index, fault) in PlantedFault.allCases.enumerated() {
      var found = [Double](repeating: 0, count: normal.count)
      var faulty = 0
      for repetition in 0..<repetitions {
        var copy = stretch.rows
        let labels = fault.plant(
          into: &copy, fields: Array(0..<plan.fields), scales: scales,
          seed: seed &+ UInt64(index + 97 * repetition))
        let rows = zip(labels, stretch.counts).map { $0 && $1 }
        faulty += rows.count { $0 }
        for (detector, part) in scorer.parts(of: copy, where: rows).enumerated() {
          found[detector] += part.reduce(0, +)
        }
      }
      if faulty == 0 { continue }
      kinds += 1
      for detector in sums.indices { sums[detector] += found[detector] / Double(faulty) - normal[detector] }
    }
    return sums.map { max(0, $0 / Double(max(kinds, 1))) }
  }

  /// The covariance of the detectors' −ln p, drawn half way to its diagonal, and on that what drifts between the halves.
  private static func scatter(of parts: [[Double]]) -> [[Double]] {
    let means = parts.map(\.mean)
    let count = parts.first?.count ?? 0
    var scatter = parts.indices.map { i in
      parts.indices.map { j -> Double in
        var sum = 0.0
        for row in 0..<count { sum += (parts[i][row] - means[i]) * (parts[j][row] - means[j]) }
        return sum / Double(max(count - 1, 1)) * (i == j ? 1 : 0.5)
      }
    }
    let typical = scatter.indices.reduce(0) { $0 + scatter[$1][$1] } / Double(max(scatter.count, 1))
    for index in scatter.indices {
      let older = parts[index][..<(count / 2)].mean
      let newer = parts[index][(count / 2)...].mean
      scatter[index][index] += 0.05 * typical + (older - newer) * (older - newer) / 2
    }
    return scatter
  }

  /// The w ≥ 0 that makes ½ wᵀSw − gᵀw least, one coordinate after the other until they rest; 0 for those that do not count.
  private static func discriminant(_ s: [[Double]], _ g: [Double], _ counting: [Bool]) -> [Double] {
    var w = [Double](repeating: 0, count: g.count)
    for _ in 0..<200 {
      for i in w.indices where counting[i] && s[i][i] > 0 {
        var rest = g[i] + s[i][i] * w[i]
        for j in w.indices { rest -= s[i][j] * w[j] }
        w[i] = max(0, rest / s[i][i])
      }
    }
    return w
  }

  /// −ln p of each detector by the thresholds of the training.
  private struct Scorer {
    let members: [Member]
    let counting: [Bool]
    let calibrations: [ScoreCalibration]
    let readings: [ThresholdTracker]
    let plan: InputPlan
    let settings: DetectionSettings

    /// Per detector, of the rows that count, each at most ``bound``; zeros of detectors that do not count.
    func parts(of rows: TrainingRows, where counts: [Bool]) -> [[Double]] {
      let readsWindows = members.contains(where: \.readsWindows)
      let rbm = members.lazy.compactMap { $0.model as? GaussianBernoulliRBM }.first
      let inputs = plan.inputs(
        rows.values, rows: rows.count, segmentStarts: rows.segmentStarts, withWindows: readsWindows,
        filling: Filling(settings, rbm: rbm))
      let data = DataMatrix(
        rows: rows.count, columns: plan.width, values: inputs.values,
        mask: inputs.missing ? inputs.mask : nil)
      let windows = DataMatrix(
        rows: readsWindows ? rows.count : 0, columns: plan.windowWidth, values: inputs.windows)
      let chosen = counts.indices.filter { counts[$0] }
      return members.indices.map { index in
        guard counting[index] else { return Array(repeating: 0, count: chosen.count) }
        let member = members[index]
        let raw = member.scores(of: member.readsWindows ? windows : data, times: rows.timestamps)
        return chosen.map { row in
          Double(min(-readings[index].logP(calibrations[index].standardized(raw[row])), bound))
        }
      }
    }
  }
}

/// Held-out rows one after the other as they came, with the rows just before them.
struct HeldOutStretch {
  /// With the fields of the plan as columns.
  let rows: TrainingRows
  /// One per row: it is held out and was learned from by nobody.
  let counts: [Bool]
}

extension Collection where Element == Double {
  fileprivate var mean: Double { reduce(0, +) / Double(Swift.max(count, 1)) }
}
