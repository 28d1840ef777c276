public import Events

/// One trained model of one stream with all it needs to score: weights, scaling, calibration.
public struct Snapshot: Sendable, Equatable {
  public var stream: StreamKey
  /// When it was trained (UTC) and which number it has within its stream: `20261122T211500-0001`.
  public var name: String
  /// Seconds since 1970.
  public var trainedAt: Double
  /// The snapshot that it replaced.
  public var parent: String?
  /// What only this stream has, by name.
  public var sections: [String: [UInt8]]
  /// What it shares with other streams (pooled weights), by name; see ``SnapshotStore/share(_:)``.
  public var shared: [String: SharedID]

  /// The section that tells how it came to be, for people.
  public static let reportSection = "report"

  public init(
    stream: StreamKey, name: String, trainedAt: Double, parent: String? = nil, sections: [String: [UInt8]],
    shared: [String: SharedID] = [:]
  ) {
    self.stream = stream
    self.name = name
    self.trainedAt = trainedAt
    self.parent = parent
    self.sections = sections
    self.shared = shared
  }
}

/// Names bytes by their content: equal bytes have equal ids.
public struct SharedID: Sendable, Hashable, CustomStringConvertible {
  /// 32 hexadecimal digits.
  public let text: String
  public var description: String { text }

  init(text: String) { self.text = text }

  init(of bytes: [UInt8]) {
    text =
      StreamFile.hexadecimal(Checksum.xxh64(bytes))
      + StreamFile.hexadecimal(Checksum.xxh64(bytes, seed: UInt64(bytes.count) &+ 1))
  }
}

/// A snapshot without its bytes, for lists.
public struct SnapshotSummary: Sendable, Equatable {
  public var name: String
  public var trainedAt: Double
  public var parent: String?
  /// Of its file; what it shares is not counted.
  public var bytes: Int
  public var isCurrent: Bool
  /// Whether it stays however many newer ones there are.
  public var isRetained = false
  /// Its section ``Snapshot/reportSection``.
  public var report: [UInt8]?
}

enum SnapshotName {
  /// `20261122T211500-0001` for seconds since 1970 and a number.
  static func make(_ time: Double, number: Int) -> String {
    let seconds = time.isFinite ? Int(min(max(time.rounded(.down), 0), 253_402_300_799)) : 0
    let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let (year, month, day) = civil(days: days)
    return padded(year, 4) + padded(month, 2) + padded(day, 2) + "T" + padded(second / 3600, 2)
      + padded(second / 60 % 60, 2) + padded(second % 60, 2) + "-" + padded(number, 4)
  }

  /// The number at the end; nil when the name is not of this form. Only such names become file names.
  static func number(of name: String) -> Int? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == 15, parts[1].utf8.count >= 4,
      parts[0].utf8.enumerated().allSatisfy({
        $0.offset == 8 ? $0.element == UInt8(ascii: "T") : isDigit($0.element)
      }),
      parts[1].utf8.allSatisfy(isDigit)
    else { return nil }
    return Int(parts[1])
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// The Gregorian date of a day since 1970-01-01. Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
  private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let ofEra = shifted - era * 146_097
    let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let day = ofYear - (153 * month + 2) / 5 + 1
    return (year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day)
  }
}

extension Snapshot {
  private static let kind = "snapshot"
  private static let version = 1

  func encode() -> [UInt8] {
    var about = ByteWriter()
    about.put(stream.name)
    about.put(name)
    about.put(trainedAt)
    about.put(parent ?? "")
    about.put(UInt32(shared.count))
    for (section, id) in shared.sorted(by: { $0.key < $1.key }) {
      about.put(section)
      about.put(id.text)
    }
    let own = sections.sorted { $0.key < $1.key }.map { Container.Section(name: $0.key, bytes: $0.value) }
    return Container(
      kind: Self.kind, version: Self.version, sections: [.init(name: "", bytes: about.bytes)] + own
    ).encode()
  }

  init(decoding bytes: [UInt8]) throws(Damage) {
    let container = try Container(decoding: bytes, kind: Self.kind, version: Self.version)
    guard let first = container.sections.first, first.name.isEmpty else {
      throw .malformed("it does not begin by saying whose snapshot it is")
    }
    var about = ByteReader(first.bytes)
    stream = StreamKey(try about.text())
    name = try about.text()
    trainedAt = try about.double()
    let parent = try about.text()
    self.parent = parent.isEmpty ? nil : parent
    shared = [:]
    for _ in 0..<(try about.integer(UInt32.self)) {
      let section = try about.text()
      shared[section] = SharedID(text: try about.text())
    }
    sections = [:]
    for section in container.sections.dropFirst() { sections[section.name] = section.bytes }
  }
}
