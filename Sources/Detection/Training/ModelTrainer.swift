import Generative

/// Fits, calibrates and compares models. Synchronous; meant for a thread of its own.
public enum ModelTrainer {
  /// Why there is no model.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    case notEnoughRows(have: Int, need: Int)
    /// No field was observed often enough.
    case noUsableField
    case fit(detector: DetectorName, why: String)
    /// Shared weights need a field that the rows do not have.
    case lacksField(String)
    case stopped

    public var description: String {
      switch self {
      case .notEnoughRows(let have, let need): "\(have) rows are too few to learn from: \(need) are needed"
      case .noUsableField: "no field was observed in at least half of the newest rows"
      case .fit(let detector, let why): "the \(detector.rawValue) could not be fitted: \(why)"
      case .lacksField(let name): "the shared weights need the field \(name), which the rows do not have"
      case .stopped: "training was stopped"
      }
    }
  }

  /// Rows below which nothing is learned.
  public static let leastRows = 32

  /// Learns a stream: scaling, weights (or the shared ones), and the calibration on the newest part of the rows.
  ///
  /// - Parameters:
  ///   - rows: the stream's history, oldest first; rows flagged as quarantined are left out.
  ///   - seed: the same rows, settings and seed give the same bits.
  ///   - isProvisional: see ``StreamModel/isProvisional``.
  ///   - shouldStop: asked often; true ends the training with ``Failure/stopped``.
  public static func train(
    _ rows: TrainingRows, settings: DetectionSettings, seed: UInt64, snapshotName: String, trainedAt: Double,
    sharedWeights: SharedWeights? = nil, isProvisional: Bool = false, shouldStop: () -> Bool = { false }
  ) throws(Failure) -> StreamModel {
    let fields: [String]
    if let sharedWeights {
      for name in sharedWeights.fields where !rows.fields.contains(name) { throw .lacksField(name) }
      fields = sharedWeights.fields
    } else {
      fields = usableFields(of: rows, newest: settings.settledRows)
      if fields.isEmpty && rows.count >= leastRows { throw .noUsableField }
    }
    let detectors = sharedWeights?.detectors ?? settings.detectors
    // Shared weights know windows of the usual length only.
    var lesson = try Lesson(
      rows, fields: fields, detectors: detectors, settings: settings,
      usesUsualSpan: sharedWeights != nil)
    var members: [Member] = []
    if let sharedWeights {
      members = sharedWeights.members
    } else {
      let learning = LearningRows(
        inputs: lesson.fitted(), windows: lesson.fittedWindows(), fields: fields.count,
        ordered: settings.ordered, seed: seed)
      for (index, detector) in detectors.enumerated() {
        if detector.companion == .season {
          members.append(.seasonal(lesson.season(settings)))
          continue
        }
        members.append(
          try fit(
            detector, learning.of(detector), fields: fields.count, settings, seed: seed &+ UInt64(index),
            shouldStop: shouldStop))
      }
      let later = lesson.heldOut()
      members = members.map { member in
        (member.model as? Autoencoder).map { .model($0.widened(to: later)) } ?? member
      }
    }
    lesson.fillIn(by: members, settings)
    let (calibrations, factors) = calibrate(members, detectors, on: lesson, settings, seed: seed)
    return StreamModel(
      contents: StreamModel.Contents(
        snapshotName: snapshotName, trainedAt: trainedAt, fields: fields, considered: rows.fields,
        rows: lesson.usable, detectors: detectors, sharedWeightsName: sharedWeights?.name, plan: lesson.plan,
        members: members, calibrations: calibrations, factors: factors,
        interval: settings.ordered ? usualInterval(rows.timestamps) : 0,
        runs: settings.ordered
          ? RunLaw.laws(of: rows, columns: fields.compactMap { rows.fields.firstIndex(of: $0) }) : [],
        jumps: settings.ordered
          ? JumpLaw.laws(
            of: rows, columns: fields.compactMap { rows.fields.firstIndex(of: $0) }, plan: lesson.plan) : [],
        isProvisional: isProvisional))
  }

  /// Learns one set of weights from several streams with the same fields, each in its own scale.
  ///
  /// Fields that most of them have are used; a stream without one of these is left out.
  public static func trainPooled(
    _ streams: [TrainingRows], settings: DetectionSettings, seed: UInt64, name: String = "",
    shouldStop: () -> Bool = { false }
  ) throws(Failure) -> SharedWeights {
    let usable = streams.map { usableFields(of: $0, newest: settings.settledRows) }
    var counts: [String: Int] = [:]
    for fields in usable { for field in fields { counts[field, default: 0] += 1 } }
    var fields: [String] = []
    for field in usable.joined() where 2 * counts[field, default: 0] > streams.count {
      if !fields.contains(field) { fields.append(field) }
    }
    if fields.isEmpty { throw .noUsableField }
    var values: [Float] = []
    var mask: [Float] = []
    var columns = 0
    var windows: [Float] = []
    var windowColumns = 1
    let most = max(leastRows, settings.collecting.maximumRows / max(streams.count, 1))
    for rows in streams where fields.allSatisfy(rows.fields.contains) {
      let newest = rows.rows(max(0, rows.count - most)..<rows.count)
      guard
        let lesson = try? Lesson(
          newest, fields: fields, detectors: settings.detectors, settings: settings, usesUsualSpan: true)
      else { continue }
      let part = lesson.fitted()
      values += part.values
      mask += part.mask ?? Array(repeating: 1, count: part.values.count)
      columns = part.columns
      let partWindows = lesson.fittedWindows()
      windows += partWindows.values
      windowColumns = partWindows.columns
    }
    guard columns > 0 else {
      throw .notEnoughRows(have: streams.map(\.count).max() ?? 0, need: leastRows)
    }
    let learning = LearningRows(
      inputs: DataMatrix(
        rows: values.count / columns, columns: columns, values: values, mask: mask.contains(0) ? mask : nil),
      windows: DataMatrix(rows: windows.count / windowColumns, columns: windowColumns, values: windows),
      fields: fields.count, ordered: settings.ordered, seed: seed)
    var members: [Member] = []
    for (index, detector) in settings.detectors.enumerated() {
      if detector.companion == .season {
        // Streams share weights, not habits.
        members.append(.seasonal(SeasonalDeviation(width: columns)))
        continue
      }
      members.append(
        try fit(
          detector, learning.of(detector), fields: fields.count, settings, seed: seed &+ UInt64(index),
          shouldStop: shouldStop))
    }
    return SharedWeights(
      name: name.isEmpty ? "pool-\(IncidentID.hash("\(seed) \(fields)"))" : name, fields: fields,
      detectors: settings.detectors, members: members, ordered: settings.ordered, window: settings.window)
  }

  /// Fields observed in at least half of the newest rows that are not quarantined.
  static func usableFields(of rows: TrainingRows, newest: Int) -> [String] {
    let sample = rows.quarantined.indices.filter { !rows.quarantined[$0] }.suffix(newest)
    let width = rows.fields.count
    return rows.fields.indices.filter { field in
      2 * sample.count { rows.values[$0 * width + field].isFinite } >= max(sample.count, 1)
    }.map { rows.fields[$0] }
  }

  private static func fit(
    _ detector: DetectorName, _ data: DataMatrix, fields: Int, _ settings: DetectionSettings, seed: UInt64,
    shouldStop: () -> Bool
  ) throws(Failure) -> Member {
    do {
      return try detector.fit(data, fields: fields, settings: settings, seed: seed, shouldStop: shouldStop)
    } catch .stopped {
      throw .stopped
    } catch .notEnoughRows(let have, let need) {
      throw .notEnoughRows(have: have, need: need)
    } catch {
      throw .fit(detector: detector, why: "\(error)")
    }
  }

  /// From the scores of rows that were not fitted on: each detector's calibration, how much it counts, then the calibration of
  /// their combination.
  private static func calibrate(
    _ members: [Member], _ detectors: [DetectorName], on lesson: Lesson, _ settings: DetectionSettings,
    seed: UInt64
  ) -> (calibrations: [ScoreCalibration], factors: [Float]) {
    let data = lesson.heldOut()
    let windows = lesson.heldOutWindows()
    let times = lesson.heldOutTimes()
    let raw = members.map { $0.scores(of: $0.readsWindows ? windows : data, times: times) }
    var calibrations = zip(members, raw).map { member, raw in
      let typical = raw.isEmpty ? 0 : Double(raw.sorted().quantile(0.5))
      return ScoreCalibration(
        scores: raw, leastUnit: member.leastUnit(typical: typical),
        tail: lesson.plan.ordered ? .exponential : .fitted)
    }
    let weights = zip(detectors, members).map {
      $1.isSilent ? 0 : $0.weight(ordered: lesson.plan.ordered, fields: lesson.plan.fields)
    }
    let factors = LearnedWeights.factors(
      of: members, counting: weights.map { $0 > 0 }, calibrations: calibrations, on: lesson,
      settings: settings, seed: seed)
    let shares = StreamModel.Contents.shares(weights, factors)
    var combined = [Float](repeating: 0, count: data.rows)
    for (index, calibration) in calibrations.enumerated() {
      let tracker = ThresholdTracker(calibration)
      for row in 0..<data.rows {
        combined[row] -= shares[index] * tracker.logP(calibration.standardized(raw[index][row]))
      }
    }
    if lesson.plan.ordered {
      var memory = FigureMemory()
      combined = combined.map { memory.add($0) }
    }
    calibrations.append(ScoreCalibration(scores: combined, leastUnit: 0.02, tail: .combined))
    return (calibrations, factors)
  }

  /// The median time between two rows; 0 when time does not advance.
  static func usualInterval(_ timestamps: [Double]) -> Double {
    let newest = timestamps.suffix(2048)
    let steps = zip(newest.dropFirst(), newest).map { $0 - $1 }.filter { $0 > 0 }.sorted()
    return steps.isEmpty ? 0 : steps[steps.count / 2]
  }
}

/// Rows made ready to learn from: which count, which of them are held out, and the inputs they become.
struct Lesson {
  let plan: InputPlan
  /// Rows that count.
  let usable: Int
  private var values: [Float]
  private var mask: [Float]
  private var windows: [Float]
  private let hasMissing: Bool
  /// What came of ``MissingPolicy/model``: the rows as they came, until they are filled in.
  private var bare: (matrix: [Float], segmentStarts: [Int])?
  private let timestamps: [Double]
  /// As they came, `rows × fields`.
  private let source: TrainingRows
  private let fitRows: [Int]
  private let heldOutRows: [Int]

  init(
    _ all: TrainingRows, fields: [String], detectors: [DetectorName], settings: DetectionSettings,
    usesUsualSpan: Bool
  ) throws(ModelTrainer.Failure) {
    let newest = all.rows(max(0, all.count - settings.collecting.maximumRows)..<all.count)
    let rows = settings.ordered ? newest.inOrder(most: RecentRows.mostBehind) : newest
    timestamps = rows.timestamps
    let columns = fields.compactMap { rows.fields.firstIndex(of: $0) }
    precondition(columns.count == fields.count, "rows of \(rows.fields) lack some of \(fields)")
    var matrix: [Float] = []
    matrix.reserveCapacity(rows.count * fields.count)
    for row in 0..<rows.count {
      for column in columns { matrix.append(rows.values[row * rows.fields.count + column]) }
    }
    source = TrainingRows(
      fields: fields, timestamps: rows.timestamps, values: matrix, segmentStarts: rows.segmentStarts)
    var use = rows.quarantined.map { !$0 }
    let usual = InputPlan.usualSpan(fields: fields.count, ordered: settings.ordered)
    let span =
      usesUsualSpan || !settings.ordered
      ? usual
      : WindowLength.chosen(
        matrix, fields: fields.count, use: use, fittedShare: 1 - settings.calibration.heldOutShare,
        usual: usual)
    // The window of a row after an incident still sees the incident.
    if settings.ordered {
      let reach = max(settings.window, span)
      var rest = 0
      for row in use.indices {
        if rows.quarantined[row] {
          rest = reach - 1
        } else if rest > 0 {
          use[row] = false
          rest -= 1
        }
      }
    }
    let kept = use.indices.filter { use[$0] }
    guard kept.count >= ModelTrainer.leastRows else {
      throw .notEnoughRows(have: kept.count, need: ModelTrainer.leastRows)
    }
    usable = kept.count
    let held = Self.heldOut(of: kept.count, settings.calibration.heldOutShare)
    fitRows = Array(kept.dropLast(held))
    heldOutRows = Array(kept.suffix(held))
    var learn = [Bool](repeating: false, count: rows.count)
    for row in fitRows { learn[row] = true }
    plan = InputPlan(
      learning: matrix, fields: fields.count, use: learn, segmentStarts: rows.segmentStarts, span: span,
      settings: settings)
    let inputs = plan.inputs(
      matrix, rows: rows.count, segmentStarts: rows.segmentStarts,
      withWindows: detectors.contains(where: \.readsWindows), filling: Filling(settings, rbm: nil))
    values = inputs.values
    windows = inputs.windows
    mask = inputs.mask
    hasMissing = inputs.missing
    bare = hasMissing && settings.missing == .model ? (matrix, rows.segmentStarts) : nil
  }

  /// Fills in what is missing as it will be when events are scored, where that takes what was just learned: for the
  /// calibration.
  mutating func fillIn(by members: [Member], _ settings: DetectionSettings) {
    guard let bare, let rbm = members.lazy.compactMap({ $0.model as? GaussianBernoulliRBM }).first else {
      return
    }
    let inputs = plan.inputs(
      bare.matrix, rows: timestamps.count, segmentStarts: bare.segmentStarts, withWindows: !windows.isEmpty,
      filling: Filling(settings, rbm: rbm))
    values = inputs.values
    windows = inputs.windows
    mask = inputs.mask
    self.bare = nil
  }

  /// How many of the rows that count are not fitted on.
  static func heldOut(of rows: Int, _ share: Double) -> Int {
    min(max(Int(Double(rows) * share), ModelTrainer.leastRows / 4), rows / 2)
  }

  func fitted() -> DataMatrix { matrix(fitRows) }
  func heldOut() -> DataMatrix { matrix(heldOutRows) }
  /// Windows of levels of the same rows; none when no detector sees them.
  func fittedWindows() -> DataMatrix { windows(fitRows) }
  func heldOutWindows() -> DataMatrix { windows(heldOutRows) }
  func heldOutTimes() -> [Double] { heldOutRows.map { timestamps[$0] } }

  /// The newest held-out rows, at most so many, as they came; nil when there is none.
  func heldOutStretch(most: Int) -> HeldOutStretch? {
    guard let first = heldOutRows.suffix(most).first else { return nil }
    // What the first of them see of the past.
    let from = max(0, first - plan.contextRows)
    var counts = [Bool](repeating: false, count: source.count - from)
    for row in heldOutRows.suffix(most) { counts[row - from] = true }
    return HeldOutStretch(rows: source.rows(from..<source.count), counts: counts)
  }

  /// What has a season, learned from the same rows and judged on those held out.
  func season(_ settings: DetectionSettings) -> SeasonalDeviation {
    SeasonFinder(
      fields: plan.fields, clock: settings.clock, fitted: fitted(),
      fittedTimes: fitRows.map { timestamps[$0] }, heldOut: heldOut(), heldOutTimes: heldOutTimes(),
      interval: ModelTrainer.usualInterval(timestamps)
    ).find()
  }

  private func windows(_ rows: [Int]) -> DataMatrix {
    let width = plan.windowWidth
    var picked: [Float] = []
    if !windows.isEmpty {
      picked.reserveCapacity(rows.count * width)
      for row in rows { picked.append(contentsOf: windows[row * width..<(row + 1) * width]) }
    }
    return DataMatrix(rows: picked.count / width, columns: width, values: picked)
  }

  private func matrix(_ rows: [Int]) -> DataMatrix {
    let width = plan.width
    var picked: [Float] = []
    var pickedMask: [Float] = []
    picked.reserveCapacity(rows.count * width)
    for row in rows {
      picked.append(contentsOf: values[row * width..<(row + 1) * width])
      if hasMissing { pickedMask.append(contentsOf: mask[row * width..<(row + 1) * width]) }
    }
    return DataMatrix(
      rows: rows.count, columns: width, values: picked, mask: pickedMask.contains(0) ? pickedMask : nil)
  }
}
