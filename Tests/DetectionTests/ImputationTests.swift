import Generative
import Tensors
import Testing

@testable import Detection

/// Values that do not come, and what stands in for them.
struct ImputationTests {
  /// Six fields with a common cause: any two correlate by ρ.
  static let correlation: Float = 0.7
  static let fields = 6

  static func settings(_ policy: MissingPolicy) -> DetectionSettings {
    var settings = DetectionSettings.quick
    settings.rbm.epochs = 40
    settings.missing = policy
    return settings
  }

  static func signals(_ seed: UInt64 = 3) -> Signals {
    Signals(features: fields, common: correlation, seed: seed)
  }

  /// Removes `share` of the values of a copy of rows, at random; which ones comes back with it.
  static func thinned(_ rows: TrainingRows, share: Float, seed: UInt64) -> (TrainingRows, holes: [Int]) {
    var random = RandomStream(seed: seed)
    var copy = rows
    var holes: [Int] = []
    for index in rows.values.indices where random.uniform() < share {
      copy.values[index] = .nan
      holes.append(index)
    }
    return (copy, holes)
  }

  /// The closed-form mean of field `hole` given the others of a row that came, where any two of variance 1 correlate by ρ:
  /// `ρ Σ / (1 + (k − 1) ρ)` over the k others.
  static func conditionalMean(_ rows: TrainingRows, row: Int, hole: Int) -> Float {
    var sum: Float = 0
    var known: Float = 0
    for field in 0..<fields where field != hole && rows.values[row * fields + field].isFinite {
      sum += rows.values[row * fields + field]
      known += 1
    }
    return known == 0 ? 0 : correlation * sum / (1 + (known - 1) * correlation)
  }

  /// What a policy puts into the holes, in the fields' own units; nil where it puts nothing.
  static func filled(
    _ rows: TrainingRows, by detector: StreamDetector, _ policy: MissingPolicy, limit: Int = 16
  ) throws -> [Float?] {
    let contents = try #require(detector.model).contents
    var settings = Self.settings(policy)
    settings.previousFor = limit
    let plan = contents.plan
    let inputs = plan.inputs(
      rows.values, rows: rows.count, segmentStarts: rows.segmentStarts,
      filling: Filling(settings, rbm: contents.rbm))
    return (0..<rows.count * fields).map { index in
      let (row, field) = (index / fields, index % fields)
      let at = row * plan.width + field
      return inputs.missing && inputs.mask[at] == 0
        ? nil : plan.value(ofLevel: inputs.values[at], field: field)
    }
  }

  static func error(_ values: [Float?], _ truth: [Float], at holes: [Int]) -> Double {
    var sum = 0.0
    for index in holes {
      let off = Double((values[index] ?? 0) - truth[index])
      sum += off * off
    }
    return (sum / Double(holes.count)).squareRoot()
  }

  @Test
  func `the model's values lie near the closed-form conditional mean, and beat the last value and the mean`()
    throws
  {
    for seed in [3, 4, 5] as [UInt64] {
      var signals = Self.signals(seed)
      let detector = try trainedDetector(on: signals.rows(3000), settings: Self.settings(.model), seed: seed)
      let whole = signals.rows(1000)
      let (rows, holes) = Self.thinned(whole, share: 0.15, seed: seed)
      let truth = whole.values
      let exact = holes.map { Self.conditionalMean(rows, row: $0 / Self.fields, hole: $0 % Self.fields) }
      var closed = [Float?](repeating: nil, count: truth.count)
      for (index, mean) in zip(holes, exact) { closed[index] = mean }
      let model = try Self.filled(rows, by: detector, .model)
      let previous = try Self.filled(rows, by: detector, .previous)
      var means = closed
      for index in holes { means[index] = 0 }
      // Holes that the model leaves, as those of rows without any value, are none it can be judged by.
      let judged = holes.filter { model[$0] != nil && previous[$0] != nil }
      #expect(judged.count > 800)
      let errors = (
        exact: Self.error(closed, truth, at: judged), model: Self.error(model, truth, at: judged),
        previous: Self.error(previous, truth, at: judged), mean: Self.error(means, truth, at: judged)
      )
      let distance = Self.error(model, closed.map { $0 ?? 0 }, at: judged)
      print(
        "imputation, seed \(seed): off the truth by \(errors.model) (closed form \(errors.exact), last value "
          + "\(errors.previous), mean \(errors.mean)); off the closed form by \(distance)")
      #expect(errors.model < 1.15 * errors.exact)
      #expect(errors.model < 0.8 * errors.mean)
      #expect(errors.model < 0.6 * errors.previous)
      #expect(distance < 0.35)
    }
  }
}
