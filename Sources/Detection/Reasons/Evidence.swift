import Glibc

/// What the score of one row was computed from, besides the weights: with the snapshot that it names the same bits come out.
public struct Evidence: Sendable {
  public let snapshot: String
  /// Event time of the row.
  public let time: Double
  /// The row and its window as the detectors saw them.
  let inputs: [Float]
  /// The levels of the last rows; empty when no detector sees them.
  let windows: [Float]
  /// 0 where a value was missing; empty when none was.
  let mask: [Float]
  /// Shares of its fields that did not come, and that were filled in, 0…1; nil in evidence of version 2.
  let missing: Float?
  public let imputed: Float?
  /// The field that had stood still most improbably long, and for how many events; nil when none had.
  let still: (field: Int, length: UInt32)?
  /// ln p of the value that jumped farthest, as it was found: it rests on the farthest jumps of every field until then. 0 where
  /// none was worth a word.
  let jump: Float
  /// Of the figures before it.
  let memory: FigureMemory
  /// The thresholds as they stood.
  private let tracker: [UInt8]

  private static let section = "evidence"
  /// Version 2 lacks these two shares, version 3 what stood still, version 4 the jump; they are still read.
  private static let version: UInt32 = 5

  init(
    snapshot: String, time: Double, inputs: [Float], windows: [Float], mask: [Float],
    missing: Float, imputed: Float, still: (field: Int, length: UInt32)?, memory: FigureMemory,
    tracker: ThresholdTracker, jump: Float
  ) {
    self.snapshot = snapshot
    self.time = time
    self.inputs = inputs
    self.windows = windows
    self.mask = mask
    self.missing = missing
    self.imputed = imputed
    self.still = still
    self.memory = memory
    self.jump = jump
    var writer = ByteWriter()
    tracker.encode(to: &writer)
    self.tracker = writer.bytes
  }

  public func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(snapshot)
    writer.append(time)
    writer.append(inputs)
    writer.append(windows)
    writer.append(mask)
    memory.encode(to: &writer)
    writer.append(bytes: tracker)
    writer.append(missing ?? .nan)
    writer.append(imputed ?? .nan)
    writer.append(UInt32(still.map { $0.field + 1 } ?? 0))
    writer.append(still?.length ?? 0)
    writer.append(jump)
    return writer.bytes
  }

  /// Reads what ``encode()`` wrote; nothing in it is trusted.
  public init(decoding bytes: [UInt8]) throws(DetectionDecodingError) {
    var reader = ByteReader(bytes, section: Self.section)
    let version = try reader.version(from: 2, to: Self.version)
    snapshot = try reader.string()
    time = try reader.finiteDouble()
    inputs = try reader.floats()
    windows = try reader.floats()
    mask = try reader.floats()
    memory = try FigureMemory(decoding: &reader)
    tracker = try reader.byteString()
    func share(_ number: Float) -> Float? { number.isNaN ? nil : number }
    missing = version >= 3 ? share(try reader.float()) : nil
    imputed = version >= 3 ? share(try reader.float()) : nil
    let stood = version >= 4 ? (Int(try reader.uint32()), try reader.uint32()) : (0, 0)
    still = stood.0 > 0 ? (stood.0 - 1, stood.1) : nil
    jump = version >= 5 ? try reader.finiteFloat() : 0
    try reader.end()
    guard mask.isEmpty || mask.count == inputs.count else {
      throw .invalid(section: Self.section, what: "\(mask.count) marks of \(inputs.count) inputs")
    }
  }

  /// What a model makes of the row.
  public struct Rescored: Sendable, Equatable {
    /// 0…100.
    public var score: Double
    public var pValue: Double
    /// By detector.
    public var raw: [String: Double]
    /// 0…1; nil where the evidence does not say what of the row was missing.
    public var confidence: Double?
  }

  /// What `model`, the one of ``snapshot``, makes of the row.
  public func rescored(by model: StreamModel) throws(DetectionDecodingError) -> Rescored {
    let contents = model.contents
    guard inputs.count == contents.plan.width else {
      throw .invalid(
        section: Self.section, what: "\(inputs.count) inputs of a model of \(contents.plan.width)")
    }
    guard windows.count == (contents.readsWindows ? contents.plan.windowWidth : 0) else {
      throw .invalid(
        section: Self.section,
        what: "a window of \(windows.count) for a model of \(contents.plan.windowWidth)")
    }
    var thresholds = ThresholdTracker(contents.calibrations[contents.members.count])
    var reader = ByteReader(tracker, section: Self.section)
    try thresholds.decode(from: &reader)
    try reader.end()
    var workspace = DetectorWorkspace()
    var raw: [String: Double] = [:]
    for (index, member) in contents.members.enumerated() {
      member.score(
        inputs, windows: windows, times: [time], from: 0, mask: mask.isEmpty ? nil : mask, rows: 1,
        into: &workspace.run,
        scratch: &workspace.scratch,
        space: &workspace.space)
      workspace.keepRun(of: index, 0..<1, contents)
      raw[contents.detectors[index].rawValue] = Double(workspace.raw[index][0])
    }
    var figure = contents.figure { contents.readings[$0].logP(workspace.standard[$0][0]) }
    if contents.plan.ordered {
      var memory = memory
      figure = memory.add(figure)
    }
    let ofModels = thresholds.logP(contents.standardized(figure, contents.members.count))
    var logP = max(min(ofModels, jump), lowestLogP)
    if let still {
      guard contents.runs.indices.contains(still.field) else {
        throw .invalid(
          section: Self.section, what: "field \(still.field) of \(contents.runs.count) stood still")
      }
      logP = max(min(logP, contents.logP(ofRun: still.length, field: still.field)), lowestLogP)
    }
    return Rescored(
      score: 100 * (1 - exp(Double(logP) / 4)), pValue: exp(Double(logP)), raw: raw,
      confidence: missing.map { Double(Confidence.of(missing: $0, rows: contents.heldOutWorth)) })
  }
}
