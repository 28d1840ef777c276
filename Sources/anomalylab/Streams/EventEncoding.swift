import ArgumentParser
import Foundation

/// How published rows are written. What is missing (NaN) is left out, or NaN where every place counts.
enum EventFormat: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// One object with named values, or an array of them.
  case json
  /// The same with values in the order of `fields`, which the first message names.
  case array
  case msgpack
  /// InfluxDB line protocol.
  case line
  /// Little-endian float32 rows; the stream is the topic.
  case f32
}

/// One row of a recording on its way out.
struct OutgoingEvent {
  var timestamp: Double
  /// Counts what this publisher sent, from 1.
  var sequence: UInt64
  var values: ArraySlice<Double>
}

/// Writes events of one stream as payloads.
struct EventEncoder {
  let stream: String
  let fields: [String]
  let format: EventFormat
  /// Tells this life of the publisher from the one before.
  let epoch: String

  /// One message with all these events.
  func payload(_ events: [OutgoingEvent]) -> [UInt8] {
    switch format {
    case .json, .array:
      let objects = events.map(json)
      return Array((objects.count == 1 ? objects[0] : "[" + objects.joined(separator: ",") + "]").utf8)
    case .line: return Array(events.map(line).joined(separator: "\n").utf8)
    case .f32: return events.flatMap { $0.values.flatMap { Self.littleEndian(Float($0).bitPattern) } }
    case .msgpack:
      var bytes: [UInt8] = []
      if events.count != 1 { MessagePack.array(events.count, into: &bytes) }
      for event in events { msgpack(event, into: &bytes) }
      return bytes
    }
  }

  private func json(_ event: OutgoingEvent) -> String {
    var text =
      "{\"stream\":\(Self.quoted(stream)),\"ts\":\(event.timestamp),\"seq\":\(event.sequence),\"epoch\":\"\(epoch)\","
    if format == .json {
      let pairs = zip(fields, event.values).filter { $1.isFinite }.map {
        "\(Self.quoted($0)):\(Self.short($1))"
      }
      return text + "\"values\":{" + pairs.joined(separator: ",") + "}}"
    }
    if event.sequence == 1 { text += "\"fields\":[" + fields.map(Self.quoted).joined(separator: ",") + "]," }
    return text + "\"values\":["
      + event.values.map { $0.isFinite ? Self.short($0) : "null" }.joined(separator: ",") + "]}"
  }

  private func line(_ event: OutgoingEvent) -> String {
    let pairs = zip(fields, event.values).filter { $1.isFinite }.map {
      "\(Self.escaped($0))=\(Self.short($1))"
    }
    let nanoseconds = Int64((event.timestamp * 1e6).rounded()) * 1000
    return "\(Self.escaped(stream)) \(pairs.joined(separator: ",")) \(nanoseconds)"
  }

  private func msgpack(_ event: OutgoingEvent, into bytes: inout [UInt8]) {
    MessagePack.map(5, into: &bytes)
    MessagePack.text("stream", into: &bytes)
    MessagePack.text(stream, into: &bytes)
    MessagePack.text("ts", into: &bytes)
    MessagePack.number(event.timestamp, into: &bytes)
    MessagePack.text("seq", into: &bytes)
    MessagePack.count(event.sequence, into: &bytes)
    MessagePack.text("epoch", into: &bytes)
    MessagePack.text(epoch, into: &bytes)
    MessagePack.text("values", into: &bytes)
    let pairs = zip(fields, event.values).filter { $1.isFinite }
    MessagePack.map(pairs.count, into: &bytes)
    for (name, value) in pairs {
      MessagePack.text(name, into: &bytes)
      MessagePack.number(value, into: &bytes)
    }
  }

  /// Whole numbers without a fraction, others as short as they can be read back.
  static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
  }

  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20:
        quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// Measurement and field names of line protocol: a backslash before comma, space and equals sign.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      if ", =".contains(character) { escaped.append("\\") }
      escaped.append(character.isNewline ? " " : character)
    }
    return escaped
  }

  static func littleEndian(_ bits: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
  }
}

/// The few kinds of MessagePack that events need (msgpack specification, 2013 format).
enum MessagePack {
  static func map(_ count: Int, into bytes: inout [UInt8]) {
    head(count, small: 0x80, wide: 0xDE, into: &bytes)
  }
  static func array(_ count: Int, into bytes: inout [UInt8]) {
    head(count, small: 0x90, wide: 0xDC, into: &bytes)
  }

  private static func head(_ count: Int, small: UInt8, wide: UInt8, into bytes: inout [UInt8]) {
    if count < 16 { return bytes.append(small | UInt8(count)) }
    if count < 65536 {
      bytes += [wide] + bigEndian(UInt64(count), 2)
      return
    }
    bytes += [wide + 1] + bigEndian(UInt64(count), 4)
  }

  static func text(_ text: String, into bytes: inout [UInt8]) {
    let utf8 = Array(text.utf8)
    switch utf8.count {
    case 0..<32: bytes.append(0xA0 | UInt8(utf8.count))
    case 32..<256: bytes += [0xD9, UInt8(utf8.count)]
    case 256..<65536: bytes += [0xDA] + bigEndian(UInt64(utf8.count), 2)
    default: bytes += [0xDB] + bigEndian(UInt64(utf8.count), 4)
    }
    bytes += utf8
  }

  static func number(_ value: Double, into bytes: inout [UInt8]) {
    bytes += [0xCB] + bigEndian(value.bitPattern, 8)
  }
  static func count(_ value: UInt64, into bytes: inout [UInt8]) { bytes += [0xCF] + bigEndian(value, 8) }

  private static func bigEndian(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> ((size - 1 - $0) * 8)) }
  }
}
