import Generative

/// Rows on an even grid of time, with nothing missing: what did not come is as it last was.
struct LinedRows {
  let fields: Int
  let count: Int
  /// `count × fields`
  let values: [Float]
  /// Of each row, its number on the grid.
  let phases: [Int]
  /// Of each row, the first row that it follows without a gap.
  let begins: [Int]
  /// Event time of the grid's row 0.
  let origin: Double

  init(_ rows: TrainingRows, fields names: [String], interval: Double, origin: Double? = nil) {
    let columns = names.map { rows.fields.firstIndex(of: $0) }
    fields = names.count
    count = rows.count
    let start = origin ?? rows.timestamps.first ?? 0
    self.origin = start
    phases = rows.timestamps.enumerated().map { index, time in
      let steps = interval > 0 ? ((time - start) / interval).rounded() : Double(index)
      return Int(max(-1e15, min(1e15, steps)))
    }
    var lined = [Float](repeating: 0, count: rows.count * names.count)
    for (field, column) in columns.enumerated() {
      guard let column else { continue }
      // What was not there yet at the begin is as it first was.
      var latest =
        (0..<rows.count).lazy.map { rows.values[$0 * rows.fields.count + column] }.first { $0.isFinite } ?? 0
      for row in 0..<rows.count {
        let value = rows.values[row * rows.fields.count + column]
        if value.isFinite { latest = value }
        lined[row * names.count + field] = latest
      }
    }
    values = lined
    let starts = Set(rows.segmentStarts)
    var begin = 0
    begins = (0..<rows.count).map { row in
      if starts.contains(row) { begin = row }
      return begin
    }
  }

  func value(_ row: Int, _ field: Int) -> Float { values[row * fields + field] }
}

/// The sequence model of a stream, in its own scale and without its seasons; and what is as simple as can be beside it.
struct SequenceTrack: Sendable {
  /// Steps that a forecast looks back on.
  let window: Int
  let scales: [RobustScale]
  /// Per field; nil where it does not come round.
  let seasons: [Season?]
  let origin: Double
  private(set) var model: (any SequenceModel)?

  /// Windows that are learned from at most.
  private static let mostWindows = 640

  /// Learns scales and seasons from the first rows.
  init(_ rows: LinedRows, fitted: Int) {
    window = max(16, min(48, fitted / 16))
    origin = rows.origin
    let phases = Array(rows.phases[..<fitted])
    var scales: [RobustScale] = []
    var seasons: [Season?] = []
    for field in 0..<rows.fields {
      let values = (0..<fitted).map { rows.value($0, field) }
      let season = Season(of: values, phases: phases)
      seasons.append(season)
      let rest = season.map { season in
        zip(values, phases).map { $0 - season.value(at: $1) }
      }
      scales.append(RobustScale(of: rest ?? values, floor: RobustScale.fieldFloor))
    }
    self.scales = scales
    self.seasons = seasons
  }

  mutating func fit(
    _ rows: LinedRows, fitted: Int, _ entry: Catalogue.Entry, seed: UInt64, epochs: Int?,
    shouldStop: () -> Bool
  ) throws(FitError) {
    // A window, and the step after it.
    let ends = (window..<fitted).filter { $0 - rows.begins[$0] >= window }
    guard ends.count >= 32 else { throw .notEnoughRows(have: ends.count, need: 32) }
    let stride = max(1, ends.count / Self.mostWindows)
    let chosen = Swift.stride(from: ends.count % stride, to: ends.count, by: stride).map { ends[$0] }
    var values: [Float] = []
    values.reserveCapacity(chosen.count * (window + 1) * rows.fields)
    for end in chosen { values += scaled(rows, end - window...end).values }
    let data = DataMatrix(rows: chosen.count, columns: (window + 1) * rows.fields, values: values)
    let records = Records(data, form: RowForm(shape: [window + 1, rows.fields], support: .real))
    let fitted = try withoutActuallyEscaping(shouldStop) { stop throws(FitError) in
      try entry.fit(records, FitOptions(seed: seed, epochs: epochs), stop)
    }
    model = fitted as? any SequenceModel
  }

  /// Rows of the range in the model's scale, less their own mean over the first ``window``: so that a stream which has moved
  /// away from where it was learned goes on there. Where there is no row yet, the first one stands.
  private func scaled(_ rows: LinedRows, _ range: ClosedRange<Int>) -> (values: [Float], means: [Float]) {
    var means = [Float](repeating: 0, count: rows.fields)
    var values: [Float] = []
    values.reserveCapacity(range.count * rows.fields)
    for (step, row) in range.enumerated() {
      let from = max(row, 0)
      for field in 0..<rows.fields {
        let usual = seasons[field]?.value(at: rows.phases[from]) ?? 0
        let z = (rows.value(from, field) - usual - scales[field].centre) / scales[field].spread
        if step < window { means[field] += z / Float(window) }
        values.append(z)
      }
    }
    for i in values.indices { values[i] = squash(values[i] - means[i % rows.fields], limit: 8) }
    return (values, means)
  }

  /// The model's own forecasts, in the fields' units: `origins × horizon × fields`.
  func foretell(_ rows: LinedRows, after origins: [Int], horizon: Int) -> [Float] {
    guard let model else { return [] }
    let fields = rows.fields
    let windows = origins.map { scaled(rows, $0 - window...$0) }
    var means = model.foretell(windows.flatMap(\.values), count: origins.count, horizon: horizon)
    for (index, origin) in origins.enumerated() {
      for step in 0..<horizon {
        for field in 0..<fields {
          let at = (index * horizon + step) * fields + field
          let usual = seasons[field]?.value(at: rows.phases[origin] + step + 1) ?? 0
          means[at] =
            (unsquash(means[at], limit: 8) + windows[index].means[field]) * scales[field].spread
            + scales[field].centre + usual
        }
      }
    }
    return means
  }

  /// By how much a field rises per row, by least squares over the rows that a forecast looks back on, four times over.
  private func slope(_ rows: LinedRows, _ field: Int, _ origin: Int) -> Float {
    let count = min(4 * window, origin + 1)
    guard count > 2 else { return 0 }
    let middle = Float(count - 1) / 2
    var (products, squares): (Float, Float) = (0, 0)
    for back in 0..<count {
      let place = middle - Float(back)
      products += place * rows.value(origin - back, field)
      squares += place * place
    }
    return products / squares
  }

  /// - Parameter step: steps ahead, from 1.
  func baseline(
    _ method: Forecast.Method, _ rows: LinedRows, _ field: Int, after origin: Int, step: Int
  ) -> Float {
    if method == .trend { return rows.value(origin, field) + Float(step) * slope(rows, field, origin) }
    guard method == .seasonal, let period = seasons[field]?.period else { return rows.value(origin, field) }
    let back = origin + step - period * ((step + period - 1) / period)
    return rows.value(max(back, 0), field)
  }
}
