import Events

/// Which of two models finds smaller faults, by the same faults planted into the same recent rows: what a retrained model must
/// not be clearly worse at.
public struct PowerComparison: Sendable, Equatable {
  public var candidate: DetectionPower
  public var champion: DetectionPower
  /// Why the candidate is clearly worse; nil when it is not.
  public var objection: String?

  /// Rows that faults are planted into at most, and faults of each kind and size.
  private static let mostRows = 1024
  private static let rounds = 5
  /// Shares found that differ by less are no reason, however sure.
  private static let leastLoss = 0.1
  /// Standard errors of the difference of two shares.
  private static let sure = 3.0

  /// - Parameters:
  ///   - rows: recent, oldest first; quarantined ones are left out.
  /// - Returns: nil when there are too few rows.
  public init?(
    candidate: StreamModel, champion: StreamModel, rows: TrainingRows, settings: DetectionSettings,
    seed: UInt64 = 1, shouldStop: () -> Bool = { false }
  ) {
    let usual = Self.usual(rows.rows(max(0, rows.count - Self.mostRows)..<rows.count))
    guard usual.count >= DetectionPower.leastRows else { return nil }
    func power(_ model: StreamModel) -> DetectionPower {
      var detector = StreamDetector(stream: StreamKey("shadow"), settings: settings, seed: seed)
      for field in usual.fields { detector.addField(field) }
      detector.install(model)
      return DetectionPower(
        of: detector, rows: usual, rounds: Self.rounds, seed: seed, shouldStop: shouldStop)
    }
    self.candidate = power(candidate)
    self.champion = power(champion)
    objection = Self.objection(self.candidate, self.champion)
  }

  private static func usual(_ rows: TrainingRows) -> TrainingRows {
    let kept = (0..<rows.count).filter { !rows.quarantined[$0] }
    let width = rows.fields.count
    let starts = kept.indices.dropFirst().filter {
      kept[$0] != kept[$0 - 1] + 1 || rows.segmentStarts.contains(kept[$0])
    }
    return TrainingRows(
      fields: rows.fields, timestamps: kept.map { rows.timestamps[$0] },
      values: kept.flatMap { rows.values[$0 * width..<($0 + 1) * width] }, segmentStarts: Array(starts))
  }

  /// Of each kind by itself, and of all together.
  static func objection(_ candidate: DetectionPower, _ champion: DetectionPower) -> String? {
    var sums = (first: (0, 0), second: (0, 0))
    for (own, other) in zip(candidate.curves, champion.curves) {
      let (first, second) = (own.counts, other.counts)
      sums.first = (sums.first.0 + first.found, sums.first.1 + first.planted)
      sums.second = (sums.second.0 + second.found, sums.second.1 + second.planted)
      if isWorse((first.found, first.planted), (second.found, second.planted)) {
        return sentence(own.fault.plural, (first.found, first.planted), (second.found, second.planted))
      }
    }
    return isWorse(sums.first, sums.second) ? sentence("faults", sums.first, sums.second) : nil
  }

  private static func isWorse(_ own: (Int, Int), _ other: (Int, Int)) -> Bool {
    guard own.1 > 0, other.1 > 0 else { return false }
    let (n, m) = (Double(own.1), Double(other.1))
    let (p, q) = (Double(own.0) / n, Double(other.0) / m)
    let both = Double(own.0 + other.0) / (n + m)
    let error = (both * (1 - both) * (1 / n + 1 / m)).squareRoot()
    return q - p >= leastLoss && q - p >= sure * error
  }

  private static func sentence(_ what: String, _ own: (Int, Int), _ other: (Int, Int)) -> String {
    func percent(_ counts: (Int, Int)) -> String {
      "\(AlertText.number(100 * Double(counts.0) / Double(max(counts.1, 1)))) %"
    }
    return "it finds \(percent(own)) of planted \(what) of all sizes (the running one \(percent(other)))"
  }
}

extension DetectionPower.Curve {
  /// Over all sizes.
  var counts: (found: Int, planted: Int) {
    (points.reduce(0) { $0 + $1.found }, points.reduce(0) { $0 + $1.planted })
  }
}

extension DetectionPower {
  /// Share found over all faults and sizes; nil when none was planted.
  public var share: Double? {
    let counts = curves.map(\.counts)
    let planted = counts.reduce(0) { $0 + $1.planted }
    return planted > 0 ? Double(counts.reduce(0) { $0 + $1.found }) / Double(planted) : nil
  }
}

extension ShadowFault {
  fileprivate var plural: String {
    switch self {
    case .spike: "spikes"
    case .step: "steps"
    case .ramp: "ramps"
    case .variance: "changes of variance"
    case .relation: "broken relations"
    case .dropout: "dropouts"
    case .stuck: "stuck fields"
    case .order: "changes of order"
    }
  }
}
