import Generative

/// Why bytes are not a model or a state.
public enum DetectionDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingSection(String)
  case truncated(section: String, at: Int)
  case wrongVersion(section: String, found: UInt32)
  case invalid(section: String, what: String)
  /// The model uses pooled weights, and these were not given or are others.
  case sharedWeights(needed: String, given: String?)

  public var description: String {
    switch self {
    case .missingSection(let name): "section \(name) is missing"
    case .truncated(let section, let at): "section \(section) ends early, at byte \(at)"
    case .wrongVersion(let section, let found): "section \(section) is of version \(found), not known here"
    case .invalid(let section, let what): "section \(section): \(what)"
    case .sharedWeights(let needed, let given):
      "the shared weights \(needed) are needed; \(given.map { "\($0) were" } ?? "none were") given"
    }
  }
}

extension StreamModel {
  private static let section = "model"
  /// Version 2 does not say how long windows are; it is still read.
  private static let version: UInt32 = 3
  private static let factorSection = "weights"
  private static let factorVersion: UInt32 = 1

  /// Of models of before there was such a section all detectors count alike.
  private static func factors(
    in sections: [(name: String, bytes: [UInt8])], detectors: Int
  ) throws(DetectionDecodingError) -> [Float] {
    guard let section = sections.first(where: { $0.name == factorSection }) else { return [] }
    var reader = ByteReader(section.bytes, section: factorSection)
    try reader.version(factorVersion)
    let factors = try reader.finiteFloats()
    try reader.end()
    guard factors.count == detectors, factors.allSatisfy({ (0.01...100).contains($0) }) else {
      throw .invalid(
        section: factorSection,
        what: "\(factors.count) factors, or one out of range, of \(detectors) detectors")
    }
    return factors
  }

  /// The model as named sections for a snapshot: `model`, and one per detector unless the weights are shared ones.
  public func encode() -> [(name: String, bytes: [UInt8])] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(contents.snapshotName)
    writer.append(contents.trainedAt)
    writer.append(contents.fields)
    writer.append(contents.considered)
    writer.append(UInt32(contents.rows))
    writer.append(contents.interval)
    writer.append(contents.detectors.map(\.rawValue))
    writer.append(contents.sharedWeightsName ?? "")
    contents.plan.encode(to: &writer)
    for calibration in contents.calibrations { calibration.encode(to: &writer) }
    var sections = [(name: Self.section, bytes: writer.bytes)]
    if !contents.runs.isEmpty {
      sections.append((name: Self.runSection, bytes: Self.encode(contents.runs)))
    }
    if !contents.factors.isEmpty {
      var writer = ByteWriter()
      writer.append(Self.factorVersion)
      writer.append(contents.factors)
      sections.append((name: Self.factorSection, bytes: writer.bytes))
    }
    if !contents.jumps.laws.isEmpty {
      sections.append((name: Self.jumpSection, bytes: Self.encode(contents.jumps.laws)))
    }
    if contents.sharedWeightsName == nil {
      for (name, member) in zip(contents.detectors, contents.members) {
        sections.append((name: name.rawValue, bytes: member.encode()))
      }
    }
    return sections
  }

  /// Reads what ``encode()`` wrote; nothing in it is trusted.
  ///
  /// - Parameter sharedWeights: for a model that uses pooled weights, these.
  public init(
    decoding sections: [(name: String, bytes: [UInt8])], sharedWeights: SharedWeights? = nil
  ) throws(DetectionDecodingError) {
    func bytes(_ name: String) throws(DetectionDecodingError) -> [UInt8] {
      guard let section = sections.first(where: { $0.name == name }) else { throw .missingSection(name) }
      return section.bytes
    }
    var reader = ByteReader(try bytes(Self.section), section: Self.section)
    let version = try reader.version(from: 2, to: Self.version)
    let snapshotName = try reader.string()
    let trainedAt = try reader.finiteDouble()
    let fields = try reader.strings()
    let considered = try reader.strings()
    let rows = Int(try reader.uint32())
    let interval = try reader.finiteDouble()
    var detectors: [DetectorName] = []
    for name in try reader.strings() {
      guard let detector = DetectorName(rawValue: name), !detectors.contains(detector) else {
        throw .invalid(section: Self.section, what: "an unknown or repeated detector \(name)")
      }
      detectors.append(detector)
    }
    let sharedName = try reader.string()
    let plan = try InputPlan(decoding: &reader, hasSpan: version >= 3)
    var calibrations: [ScoreCalibration] = []
    for _ in 0..<Contents.calibrations(detectors.count) {
      calibrations.append(try ScoreCalibration(decoding: &reader))
    }
    try reader.end()
    guard plan.fields == fields.count, !fields.isEmpty, !detectors.isEmpty else {
      throw .invalid(
        section: Self.section,
        what: "\(fields.count) fields, \(plan.fields) scales and \(detectors.count) detectors")
    }

    var members: [Member] = []
    if sharedName.isEmpty {
      for detector in detectors { members.append(try detector.decode(try bytes(detector.rawValue))) }
    } else {
      guard let sharedWeights, sharedWeights.name == sharedName, sharedWeights.detectors == detectors else {
        throw .sharedWeights(needed: sharedName, given: sharedWeights?.name)
      }
      members = sharedWeights.members
    }
    for (detector, member) in zip(detectors, members) where member.width != plan.width(of: member) {
      throw .invalid(
        section: detector.rawValue, what: "\(member.width) inputs, not \(plan.width(of: member))")
    }
    contents = Contents(
      snapshotName: snapshotName, trainedAt: trainedAt, fields: fields, considered: considered, rows: rows,
      detectors: detectors, sharedWeightsName: sharedName.isEmpty ? nil : sharedName, plan: plan,
      members: members, calibrations: calibrations,
      factors: try Self.factors(in: sections, detectors: detectors.count), interval: interval,
      runs: try Self.runs(in: sections, fields: fields.count),
      jumps: plan.ordered ? try Self.jumps(in: sections, fields: fields.count) : [])
  }
}

extension SharedWeights {
  private static let section = "shared weights"
  private static let version: UInt32 = 2

  public func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(name)
    writer.append(fields)
    writer.append(ordered)
    writer.append(UInt32(window))
    writer.append(detectors.map(\.rawValue))
    for member in members { writer.append(bytes: member.encode()) }
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(DetectionDecodingError) {
    var reader = ByteReader(bytes, section: Self.section)
    try reader.version(Self.version)
    name = try reader.string()
    fields = try reader.strings()
    ordered = try reader.bool()
    window = Int(try reader.uint32())
    var detectors: [DetectorName] = []
    for name in try reader.strings() {
      guard let detector = DetectorName(rawValue: name), !detectors.contains(detector) else {
        throw .invalid(section: Self.section, what: "an unknown or repeated detector \(name)")
      }
      detectors.append(detector)
    }
    var members: [Member] = []
    for detector in detectors {
      let member = try detector.decode(try reader.byteString())
      let span = InputPlan.usualSpan(fields: fields.count, ordered: ordered)
      guard member.width == (member.readsWindows ? span : ordered ? 3 : 1) * fields.count else {
        throw .invalid(
          section: Self.section,
          what: "\(detector.rawValue) of \(member.width) inputs for \(fields.count) fields")
      }
      members.append(member)
    }
    try reader.end()
    self.detectors = detectors
    self.members = members
  }
}

extension InputPlan {
  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(fields))
    writer.append(UInt32(window))
    writer.append(ordered)
    writer.append(limit)
    writer.append(centres)
    writer.append(inverses)
    writer.append(UInt32(span))
  }

  /// - Parameter hasSpan: false for bytes from before there was a choice of it.
  init(decoding reader: inout ByteReader, hasSpan: Bool) throws(DetectionDecodingError) {
    let fields = Int(try reader.uint32())
    let window = Int(try reader.uint32())
    let ordered = try reader.bool()
    let limit = try reader.finiteFloat()
    let centres = try reader.finiteFloats()
    let inverses = try reader.finiteFloats()
    let width = (ordered ? 3 : 1) * fields
    let usual = Self.usualSpan(fields: fields, ordered: ordered)
    let span = hasSpan ? Int(try reader.uint32()) : usual
    guard span == usual || ordered && span == WindowLength.long else {
      throw .invalid(section: reader.section, what: "windows of \(span) rows")
    }
    guard centres.count == width, inverses.count == width, (2...64).contains(window), limit > 0,
      inverses.allSatisfy({ $0 > 0 })
    else { throw .invalid(section: reader.section, what: "impossible scales of \(fields) fields") }
    self.init(
      fields: fields, window: window, ordered: ordered, limit: limit, span: span, centres: centres,
      inverses: inverses)
  }
}

extension ScoreCalibration {
  func encode(to writer: inout ByteWriter) {
    writer.append(reference)
    writer.append(unit)
    writer.append(thresholds)
    writer.append(shape)
    writer.append(leastGap)
    writer.append(weight)
    writer.append(agility)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let reference = try reader.finiteDouble()
    let unit = try reader.finiteDouble()
    let thresholds = try reader.finiteFloats()
    let shape = try reader.finiteFloat()
    let leastGap = try reader.finiteFloat()
    let weight = try reader.finiteFloat()
    let agility = try reader.finiteFloat()
    guard unit > 0, shape > 0, leastGap > 0, weight >= 0, agility > 0,
      thresholds.count == ThresholdTracker.levels,
      zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0 < $1 })
    else { throw .invalid(section: reader.section, what: "an impossible calibration") }
    self.init(
      reference: reference, unit: unit, thresholds: thresholds, shape: shape, leastGap: leastGap,
      weight: weight, agility: agility)
  }
}
