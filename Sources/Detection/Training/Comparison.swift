import Generative

/// The verdict on a retrained model beside the running one.
public struct Comparison: Sendable, Equatable {
  /// How one of the two models did on the same rows.
  public struct Figures: Sendable, Equatable {
    /// Share of the normal rows with p ≤ 0.01.
    public var falseAlarms: Double
    /// Median score (0…100) of the normal rows.
    public var typicalScore: Double
    /// Share of the faulty rows found at one false alarm in a hundred (of few rows: at five in all), by fault.
    public var recall: [PlantedFault: Double]
    public var meanRecall: Double
    /// How many faults were planted for these figures.
    public var planted: Int
    /// The largest factor, as a power of ten, between how often normal rows had p ≤ α and α, for α of 10 % and 1 %.
    public var calibrationError = 0.0
    /// Seconds to score one row, on the clock that was given.
    public var secondsPerRow = 0.0
    /// Normal rows looked at.
    public var rows = 0
  }
  public var candidate: Figures
  public var champion: Figures
  public var accepted: Bool
  /// One sentence.
  public var reason: String
}

extension ModelTrainer {
  /// Rows that a comparison looks at, at least and at most.
  static let comparedRows = 256...2048

  /// Whether `candidate` may replace `champion`: on the newest rows it is no worse on normal rows, and finds planted faults
  /// no worse at an equal rate of false alarms.
  ///
  /// - Parameters:
  ///   - rows: the history that the candidate was learned from; its newest part, on which neither was fitted, counts.
  ///   - settings: what stands in for missing values.
  ///   - heldOut: that part (``DetectionSettings/Calibration/heldOutShare``).
  ///   - clock: seconds, by which scoring is timed.
  public static func compare(
    candidate: StreamModel, champion: StreamModel, rows: TrainingRows,
    settings: DetectionSettings = DetectionSettings(), heldOut: Double = 0.25, seed: UInt64 = 1,
    clock: () -> Double = { 0 }
  ) -> Comparison {
    let wanted = Int(Double(rows.count) * heldOut)
    let newest = min(max(wanted, comparedRows.lowerBound), comparedRows.upperBound)
    let recent = rows.rows(max(0, rows.count - newest)..<rows.count)
    let shared = rows.fields.indices.filter {
      candidate.fields.contains(rows.fields[$0]) && champion.fields.contains(rows.fields[$0])
    }
    let width = rows.fields.count
    let scales = shared.map { field in
      RobustScale(
        of: (0..<recent.count).filter { !recent.quarantined[$0] }.map { recent.values[$0 * width + field] }
          .filter(\.isFinite), floor: RobustScale.fieldFloor)
    }
    let first = figures(candidate, recent, shared, scales, settings, seed: seed, clock)
    let second = figures(champion, recent, shared, scales, settings, seed: seed, clock)
    var comparison = Comparison(candidate: first, champion: second, accepted: true, reason: "")
    func percent(_ share: Double) -> String { "\(AlertText.number(100 * share)) %" }
    let found =
      "finds \(percent(first.meanRecall)) of planted faults (the running one \(percent(second.meanRecall)))"
    let calm =
      "\(percent(first.falseAlarms)) of normal rows at p ≤ 1 % (the running one \(percent(second.falseAlarms)))"
    if first.falseAlarms > max(0.03, 1.5 * second.falseAlarms) {
      comparison.accepted = false
      comparison.reason = "it would raise more false alarms: \(calm)"
    } else if first.meanRecall < second.meanRecall - 0.02 - 0.5 / Double(max(first.planted, 1)).squareRoot() {
      // Within what so many planted faults can tell apart, the newer one is preferred: it knows more of what is usual.
      comparison.accepted = false
      comparison.reason = "it \(found)"
    } else {
      comparison.reason = "it \(found), with \(calm)"
    }
    return comparison
  }

  private static func figures(
    _ model: StreamModel, _ rows: TrainingRows, _ fields: [Int], _ scales: [RobustScale],
    _ settings: DetectionSettings, seed: UInt64, _ clock: () -> Double
  ) -> Comparison.Figures {
    let began = clock()
    let scored = logP(of: rows, by: model, settings: settings)
    let seconds = clock() - began
    let normal = zip(scored, rows.quarantined).filter { !$1 && $0 < 0 }.map(\.0).sorted()
    guard !normal.isEmpty else {
      return Comparison.Figures(falseAlarms: 0, typicalScore: 0, recall: [:], meanRecall: 0, planted: 0)
    }
    // Of few rows the hundredth part is no measure.
    let limit = normal.quantile(max(0.01, 5 / Double(normal.count)))
    var recall: [PlantedFault: Double] = [:]
    var planted = 0
    let repetitions = max(1, 1024 / rows.count)
    for (index, fault) in PlantedFault.allCases.enumerated() {
      var (faulty, found) = (0, 0)
      for repetition in 0..<repetitions {
        var copy = rows
        let labels = fault.plant(
          into: &copy, fields: fields, scales: scales, seed: seed &+ UInt64(index + 97 * repetition))
        for (logP, isFaulty) in zip(logP(of: copy, by: model, settings: settings), labels) where isFaulty {
          faulty += 1
          if logP < limit { found += 1 }
        }
        planted += rows.count / (2 * PlantedFault.length)
      }
      if faulty > 0 { recall[fault] = Double(found) / Double(faulty) }
    }
    let alarms = normal.count { $0 <= Levels.logs[9] }
    let typical = Double(normal.quantile(0.5))
    return Comparison.Figures(
      falseAlarms: Double(alarms) / Double(normal.count),
      typicalScore: 100 * (1 - (typical / 4).exponential), recall: recall,
      meanRecall: recall.isEmpty ? 0 : recall.values.sorted().reduce(0, +) / Double(recall.count),
      planted: planted, calibrationError: calibrationError(normal),
      secondsPerRow: seconds / Double(max(rows.count, 1)), rows: normal.count)
  }

  /// See ``Comparison/Figures/calibrationError``; a rate counts as at least half a row.
  private static func calibrationError(_ normal: [Float]) -> Double {
    [(5, 0.1), (9, 0.01)].map { level, alpha in
      let count = normal.count { $0 <= Levels.logs[level] }
      return abs((max(Double(count), 0.5) / (alpha * Double(normal.count))).logarithm / 2.302_585_092_994_046)
    }.max() ?? 0
  }

  /// ln p of every row by thresholds that stay where the training put them.
  static func logP(
    of rows: TrainingRows, by model: StreamModel, settings: DetectionSettings = DetectionSettings()
  ) -> [Float] {
    let contents = model.contents
    let plan = contents.plan
    let columns = model.fields.map { rows.fields.firstIndex(of: $0) }
    var matrix: [Float] = []
    matrix.reserveCapacity(rows.count * plan.fields)
    for row in 0..<rows.count {
      for column in columns {
        matrix.append(column.map { rows.values[row * rows.fields.count + $0] } ?? .nan)
      }
    }
    let inputs = plan.inputs(
      matrix, rows: rows.count, segmentStarts: rows.segmentStarts, withWindows: contents.readsWindows,
      filling: Filling(settings, rbm: contents.rbm))
    let data = DataMatrix(
      rows: rows.count, columns: plan.width, values: inputs.values, mask: inputs.missing ? inputs.mask : nil)
    let windows = DataMatrix(
      rows: contents.readsWindows ? rows.count : 0, columns: plan.windowWidth, values: inputs.windows)
    var sums = [Float](repeating: 0, count: rows.count)
    for (index, member) in contents.members.enumerated() {
      let raw = member.scores(of: member.readsWindows ? windows : data, times: rows.timestamps)
      let tracker = contents.readings[index]
      for row in 0..<rows.count {
        sums[row] -= contents.shares[index] * tracker.logP(contents.standardized(raw[row], index))
      }
    }
    let last = contents.members.count
    if plan.ordered {
      var memory = FigureMemory()
      for row in sums.indices { sums[row] = memory.add(sums[row]) }
    }
    let tracker = ThresholdTracker(contents.calibrations[last])
    return sums.map { tracker.logP(contents.standardized($0, last)) }
  }
}
