/// Writes score messages, `score/<stream>` and `{"stream":…,"ts":…,"score":…,"p_value":…,"confidence":…}`, into storage
/// that is used again and again: one per event may leave, so no encoder is made for each.
public struct ScoreMessage {
  /// The first frame of the message written last.
  public private(set) var topic: [UInt8] = []
  /// Its second frame.
  public private(set) var payload: [UInt8] = []
  private var stream: String?
  private var head: [UInt8] = []

  public init() {}

  /// - Parameters:
  ///   - timestamp: seconds since 1970.
  ///   - score: 0 to 100.
  ///   - pValue: nil while scores are not calibrated.
  ///   - confidence: how far the score can be relied on, 0 to 1.
  public mutating func write(
    stream: String, timestamp: Double, score: Double, pValue: Double?, confidence: Double
  ) {
    if stream != self.stream {
      self.stream = stream
      topic.removeAll(keepingCapacity: true)
      topic.append(contentsOf: "score/".utf8)
      topic.append(contentsOf: stream.utf8)
      head.removeAll(keepingCapacity: true)
      head.append(contentsOf: "{\"stream\":\"".utf8)
      JSONText.append(escaped: stream, to: &head)
      head.append(contentsOf: "\",\"ts\":".utf8)
    }
    payload.removeAll(keepingCapacity: true)
    payload.append(contentsOf: head)
    JSONText.append(timestamp, to: &payload)
    payload.append(contentsOf: ",\"score\":".utf8)
    JSONText.append(score, to: &payload)
    payload.append(contentsOf: ",\"p_value\":".utf8)
    JSONText.append(pValue ?? .nan, to: &payload)
    payload.append(contentsOf: ",\"confidence\":".utf8)
    JSONText.append(confidence, to: &payload)
    payload.append(UInt8(ascii: "}"))
  }
}

/// Pieces of JSON written by hand.
enum JSONText {
  /// The contents of a string.
  static func append(escaped text: String, to bytes: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
  }

  /// A number that reads back as the same double; null when it is not finite.
  static func append(_ number: Double, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: number.isFinite ? number.description.utf8 : "null".utf8)
  }
}

/// Where refused messages are published again: the topic goes before the message's own frames.
public enum DeadLetter {
  public static func topic(source: String, refusal: Refusal) -> String {
    "dead-letter/\(source)/\(refusal.name)"
  }
}
