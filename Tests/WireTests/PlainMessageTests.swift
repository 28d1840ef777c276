import Testing

@testable import Wire

/// The short way for plain messages against simdjson's: whatever the message, both must give the same.
struct PlainMessageTests {
  /// Everything that a reader left in a sink.
  private func reading(_ reader: JSONReader, _ sink: EventSink, _ message: [UInt8]) -> String {
    sink.reset(wantsExact: true)
    if let refusal = reader.read(message.span, into: sink) { return refusal.name }
    return (0..<sink.count).map { index in
      let event = sink.event(index)
      let values = event.values.map { value in
        "\(event.isPositional ? "" : sink.text(sink.name(value)))=\(sink.exactValue(value)) \(sink.value(value))"
      }
      return
        "\(event.stream.map { sink.text($0) } ?? "-") \(event.timestamp) \(event.seq ?? 0) \(event.epoch ?? 0) "
        + "\(event.schema) \(event.isPositional) \(event.namesFields) \(event.refusal?.name ?? "") \(values)"
    }.joined(separator: "\n")
  }

  private static let limits = Limits(values: 20, nameLength: 12, depth: 8)
  private let short = JSONReader(limits: limits, seed: 1, wantsLabels: false)
  private let long = JSONReader(limits: limits, seed: 1, wantsLabels: false, onlySimdJSON: true)
  private let one = EventSink(seed: 1)
  private let other = EventSink(seed: 1)

  private func compare(_ message: [UInt8]) {
    let (ours, theirs) = (reading(short, one, message), reading(long, other, message))
    if ours != theirs {
      Issue.record("\(String(decoding: message, as: UTF8.self)): short \(ours), simdjson \(theirs)")
    }
    // So that the short way is tried again at once.
    _ = reading(short, one, Array(#"{"x":1}"#.utf8))
  }

  private func number(_ generator: inout Generator) -> String {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: "\(Int.random(in: -99...99, using: &generator))"
    case 1: "\(Double.random(in: -1...1, using: &generator))"
    case 2: "\(Int64.random(in: .min ... .max, using: &generator))"
    case 3: "\(Double(bitPattern: UInt64.random(in: 0...(.max), using: &generator)))"
    case 4:
      "\(UInt64.random(in: (1 << 53) - 3...(1 << 53) + 3, using: &generator)).\(Int.random(in: 0...9, using: &generator))"
    case 5:
      ["-0", "0", "0.0", "1E5", "1e+5", "-1.5e-3", "1e400", "1e-400", "01", "1.", "-", "1.5.5", "+1", "NaN"]
        .randomElement(using: &generator) ?? ""
    case 6:
      (0..<Int.random(in: 1...30, using: &generator)).map { _ in "\(Int.random(in: 0...9, using: &generator))"
      }.joined()
    default: "\(Int.random(in: 0...999, using: &generator)).\(Int.random(in: 0...99999, using: &generator))"
    }
  }

  private func event(_ generator: inout Generator) -> String {
    let space = [" ", "", "", "  ", "\n"].randomElement(using: &generator) ?? ""
    let names = ["a", "b.c", "ts", "x", "value", "toolongname123", "seq", "epoch", "é", "stream"]
    func values(_ open: String, _ close: String, isNamed: Bool) -> String {
      open
        + (0..<Int.random(in: 0...6, using: &generator)).map { _ in
          (isNamed ? "\"\(names.randomElement(using: &generator) ?? "")\":\(space)" : "") + number(&generator)
        }.joined(separator: ",\(space)") + close
    }
    var members: [String] = []
    for _ in 0..<Int.random(in: 0...6, using: &generator) {
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: members.append("\"stream\":\(space)\"host-\(Int.random(in: 0...20, using: &generator))\"")
      case 1: members.append("\"ts\":\(number(&generator))")
      case 2: members.append("\"seq\":\(number(&generator))")
      case 3: members.append("\"epoch\":\"b7\"")
      case 4: members.append("\"values\":" + values("{", "}", isNamed: true))
      case 5: members.append("\"values\":" + values("[", "]", isNamed: false))
      case 6: members.append("\"\(names.randomElement(using: &generator) ?? "")\":\(number(&generator))")
      default: members.append("\"\(names.randomElement(using: &generator) ?? "")\":\"text\"")
      }
    }
    return "{\(space)\(members.joined(separator: "\(space),"))\(space)}"
  }

  @Test(arguments: 1...6)
  func `both ways give the same events, names, hashes and reasons`(seed: Int) {
    var generator = Generator(seed: UInt64(seed))
    for _ in 0..<1500 {
      let count = Int.random(in: 0...3, using: &generator)
      let text =
        count == 0
        ? event(&generator)
        : "[" + (0..<count).map { _ in event(&generator) }.joined(separator: ", ") + "]"
      compare(Array(text.utf8))
      var bytes = Array(text.utf8)
      for _ in 0..<2 {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        if Bool.random(using: &generator) {
          bytes[index] = Array(#"{}[]",:0123456789.eE+- \x"#.utf8).randomElement(using: &generator) ?? 0
        } else {
          bytes[index] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      compare(bytes)
      compare(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))))
    }
  }

  @Test(arguments: 1...4)
  func `both ways give the same for events whose names are nearly always those of the event before`(seed: Int)
  {
    var generator = Generator(seed: UInt64(100 + seed))
    for _ in 0..<400 {
      var names = (0..<Int.random(in: 1...22, using: &generator)).map { "cpu\($0)" }
      let isFlat = Bool.random(using: &generator)
      let events = (0..<6).map { _ in
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: names.swapAt(0, names.count - 1)
        case 1:
          names[names.count / 2] =
            ["", "a", "ts", "values", "cpu1", "cpu1 "].randomElement(using: &generator) ?? ""
        case 2: names.removeLast(names.count > 1 ? 1 : 0)
        case 3: names.append("more\(names.count)")
        default: break
        }
        let space = Int.random(in: 0..<6, using: &generator) == 0 ? " " : ""
        let pairs = names.map { "\"\($0)\"\(space):\(space)\(number(&generator))" }.joined(separator: ",")
        return isFlat ? "{\"ts\":1.5,\(pairs)}" : "{\"stream\":\"x\",\"values\":{\(pairs)},\"cpu0\":1}"
      }
      compare(Array("[\(events.joined(separator: ","))]".utf8))
    }
  }

  @Test func `a source whose messages are seldom plain is still read right`() throws {
    let source = try TestSource()
    for round in 0..<300 {
      let plain = round % 7 == 0
      let events = source.events(plain ? "{\"x\":\(round)}" : "{\"s\":\"é\",\"x\":\(round)}")
      #expect(events[0].values.map(\.value) == [Float(round)])
    }
  }
}
