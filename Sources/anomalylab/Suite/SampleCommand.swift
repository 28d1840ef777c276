import ArgumentParser
import Control
import Datasets
import Evaluation
import Generative

/// `anomalylab sample`.
struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Draws rows from a model.",
    discussion: """
      Written by the extension of --out: .png for a grid of pictures, .csv, .npy, .idx, .wav, .txt, or .svg for points in \
      the plane. The same seed draws the same rows.

      --interpolate A B goes from one row to another in --count steps: row numbers of --data, seeds of drawn rows without it, \
      or files whose first row counts. --traverse K (or all) moves one unit of a code through its range. --inpaint FILE keeps \
      what is there of each row and draws what is missing (empty or NaN; with --hide, half of it).
      """)
  /// Which half of a row is hidden.
  enum Half: String, ExpressibleByArgument, CaseIterable { case top, bottom, left, right }

  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "How many rows, or steps.") var count: Int?
  @Option(help: "Where the rows go.") var out: String
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1
  @Option(
    help: ArgumentHelp(
      "Rows of these classes in turn, by name, with commas between; or all.", valueName: "classes"))
  var condition: String?
  @Option(parsing: .upToNextOption, help: ArgumentHelp("From this row to that one.", valueName: "a b"))
  var interpolate: [String] = []
  @Option(help: ArgumentHelp("Moves this unit of a code, from 0; or all.", valueName: "unit")) var traverse:
    String?
  @Option(help: ArgumentHelp("Fills in what is missing in these rows.", valueName: "file")) var inpaint:
    String?
  @Option(help: "Hides half of each row for --inpaint: top, bottom, left or right.") var hide: Half?
  @Option(help: "Rows of the kind it was fitted to, for --interpolate and --traverse.") var data: String?
  @Option(help: "Pictures side by side in a PNG.") var columns: Int?

  func validate() throws {
    if let count, !(1...10_000_000).contains(count) {
      throw ValidationError("--count must be from 1 to 10000000")
    }
    if let columns, columns < 1 { throw ValidationError("--columns must be 1 or more") }
    guard interpolate.isEmpty || interpolate.count == 2 else {
      throw ValidationError("--interpolate takes two rows")
    }
    let ways = [!interpolate.isEmpty, traverse != nil, inpaint != nil].count { $0 }
    guard ways <= 1 else { throw ValidationError("give one of --interpolate, --traverse and --inpaint") }
    if hide != nil, inpaint == nil { throw ValidationError("--hide needs --inpaint") }
  }

  func run() throws {
    let output = try SuiteOutput(out)
    let file = try ModelFile(model)
    let rows = try SampledRows(self, file)
    try output.write(
      file.reading.array(rows.values, count: rows.count), columns: columns ?? rows.columns,
      groups: rows.groups)
  }
}

/// Rows that were asked for, with how they are best laid out.
struct SampledRows {
  let values: [Float]
  let count: Int
  /// Pictures side by side; nil for a square.
  var columns: Int?
  var groups: [String]?

  init(_ asked: SampleCommand, _ file: ModelFile) throws(Failure) {
    if !asked.interpolate.isEmpty {
      self = try Self.interpolation(asked, file)
    } else if let unit = asked.traverse {
      self = try Self.traversal(unit, asked, file)
    } else if let path = asked.inpaint {
      self = try Self.inpainting(path, asked, file)
    } else {
      self = try Self.drawn(asked, file)
    }
  }

  private init(_ values: [Float], count: Int, columns: Int? = nil, groups: [String]? = nil) {
    self.values = values
    self.count = count
    self.columns = columns
    self.groups = groups
  }

  private static func drawn(_ asked: SampleCommand, _ file: ModelFile) throws(Failure) -> SampledRows {
    let count = asked.count ?? 64
    guard let classes = try classes(asked, file) else {
      return SampledRows(file.model.sample(count: count, seed: asked.seed), count: count)
    }
    guard let model = file.model as? any ConditionalModel, model.classes > 0 else {
      throw file.lacking("draws no classes: it was not fitted with labels, or cannot be", .conditional)
    }
    let labels = (0..<count).map { classes[$0 % classes.count] }
    let names = file.reading.classNames
    return SampledRows(
      model.sample(classes: labels, seed: asked.seed), count: count,
      columns: asked.condition == "all" ? classes.count : nil,
      groups: labels.map { names.indices.contains($0) ? names[$0] : "\($0)" })
  }

  /// Of `--condition`; nil without it.
  private static func classes(_ asked: SampleCommand, _ file: ModelFile) throws(Failure) -> [Int]? {
    guard let condition = asked.condition else { return nil }
    let reading = file.reading
    if condition == "all" { return Array(0..<max(reading.form.classes, 1)) }
    var classes: [Int] = []
    for name in condition.split(separator: ",") {
      guard let label = reading.label(String(name)) else {
        let known = reading.classNames.prefix(20).joined(separator: ", ")
        throw Failure(
          .usage, what: "--condition", why: "the model knows no class \"\(name)\"",
          remedy: known.isEmpty ? "it was fitted without labels" : "give one of \(known)")
      }
      classes.append(label)
    }
    return classes.isEmpty ? nil : classes
  }

  // MARK: ways through codes

  private static func space(_ file: ModelFile) throws(Failure) -> LatentSpace {
    guard let space = LatentSpace(file.model) else {
      throw file.lacking("has no codes to move through", .encode)
    }
    return space
  }

  private static func interpolation(_ asked: SampleCommand, _ file: ModelFile) throws(Failure) -> SampledRows
  {
    let space = try space(file)
    let count = asked.count ?? 10
    let first = try end(asked.interpolate[0], asked, file)
    let last = try end(asked.interpolate[1], asked, file)
    let (a, b) = (space.codes(first), space.codes(last))
    let labels =
      try classes(asked, file).map { Array(repeating: $0[0], count: count) }
      ?? first.labels.map { Array(repeating: $0[0], count: count) }
    return SampledRows(
      space.rows(space.way(from: a[...], to: b[...], steps: count), count, labels), count: count,
      columns: count <= 20 ? count : nil)
  }

  /// The row that stands at one end.
  private static func end(_ text: String, _ asked: SampleCommand, _ file: ModelFile) throws(Failure)
    -> Records
  {
    let reading = file.reading
    guard let number = UInt64(text) else {
      let input = try SuiteInput(text, vocabulary: reading.vocabulary)
      return try input.records(reading).records.rows([0])
    }
    guard let data = asked.data else {
      let row = DataMatrix(
        rows: 1, columns: file.model.width, values: file.model.sample(count: 1, seed: number))
      return Records(row, form: reading.form)
    }
    let records = try SuiteInput(data, vocabulary: reading.vocabulary).records(reading).records
    guard number < UInt64(records.count) else {
      throw Failure(
        .usage, what: "--interpolate", why: "\(data) has no row \(number)",
        remedy: "give rows from 0 to \(records.count - 1)")
    }
    return records.rows([Int(number)])
  }

  private static func traversal(_ unit: String, _ asked: SampleCommand, _ file: ModelFile) throws(Failure)
    -> SampledRows
  {
    let space = try space(file)
    let steps = asked.count ?? 11
    let reading = file.reading
    let seen: Records
    if let data = asked.data {
      seen = try SuiteInput(data, vocabulary: reading.vocabulary).records(reading).records
    } else {
      let rows = 256
      seen = Records(
        DataMatrix(
          rows: rows, columns: file.model.width, values: file.model.sample(count: rows, seed: asked.seed)),
        form: reading.form)
    }
    let codes = space.codes(seen)
    let width = codes.count / seen.count
    var units = Array(0..<width)
    if unit != "all" {
      guard let place = Int(unit), units.contains(place) else {
        throw Failure(
          .usage, what: "--traverse", why: "a code has no unit \"\(unit)\"",
          remedy: "give one from 0 to \(width - 1), or all")
      }
      units = [place]
    }
    let moved = space.traversal(of: codes[0..<width], units: units, seen: codes, steps: steps)
    let count = units.count * steps
    let labels =
      try classes(asked, file).map { Array(repeating: $0[0], count: count) }
      ?? seen.labels.map { Array(repeating: $0[0], count: count) }
    return SampledRows(space.rows(moved, count, labels), count: count, columns: steps)
  }

  // MARK: what is missing

  private static func inpainting(_ path: String, _ asked: SampleCommand, _ file: ModelFile) throws(Failure)
    -> SampledRows
  {
    guard let model = file.model as? any InpaintingModel else {
      throw file.lacking("fills nothing in", .inpaint)
    }
    let reading = file.reading
    var input = try SuiteInput(path, vocabulary: reading.vocabulary)
    if let count = asked.count, reading.window == nil { input.keep(first: count) }
    var records = try input.records(reading).records
    if let hide = asked.hide { records = records.hiding(hide) }
    guard records.matrix.mask != nil else {
      throw Failure(
        .data, what: path, why: "lacks nothing that could be filled in",
        remedy: "leave cells empty (NaN in .npy), or give --hide")
    }
    return SampledRows(model.inpaint(records, seed: asked.seed), count: records.count)
  }
}

extension Records {
  /// Without one half of each row: of pictures and sequences the upper, lower, left or right one, of other rows the first
  /// (top, left) or second.
  func hiding(_ half: SampleCommand.Half) -> Records {
    let width = form.shape.count > 1 ? form.shape[form.shape.count - 1] : form.width
    let height = form.shape.count > 1 ? form.shape[form.shape.count - 2] : 1
    var records = self
    var mask = matrix.mask ?? [Float](repeating: 1, count: matrix.values.count)
    for place in mask.indices {
      let (x, y) = (place % width, place / width % height)
      let isHidden =
        switch half {
        case .top where height > 1: y < height / 2
        case .bottom where height > 1: y >= height / 2
        case .top, .left: x < width / 2
        case .bottom, .right: x >= width / 2
        }
      if isHidden {
        mask[place] = 0
        records.matrix.values[place] = 0
      }
    }
    records.matrix.mask = mask
    return records
  }
}
