import CSimdJSON

/// Reads InfluxDB line protocol: every line is one event. A line that is wrong is refused alone.
///
/// Escapes as InfluxDB documents them: in measurements `\,` and `\ `; in keys and tag values also `\=`; in strings `\"`
/// and `\\`; any other backslash stands for itself.
struct LineReader {
  let limits: Limits
  let wantsLabels: Bool
  /// Seconds in one unit of the lines' timestamps.
  let unit: Double

  func read(_ payload: Span<UInt8>, into sink: EventSink) -> Refusal? {
    sink.copy(payload)
    if !sink.isUTF8(Piece(0..<payload.count)) { return .nonUTF8 }
    var at = 0
    while at < payload.count {
      let first = sink.byte(at)
      if first == newline || first == space || first == UInt8(ascii: "\r") {
        at += 1
      } else if first == UInt8(ascii: "#") {
        at = endOfLine(at, sink)
      } else {
        line(&at, sink)
      }
    }
    return sink.count == 0 ? .noNumbers : nil
  }

  private var newline: UInt8 { UInt8(ascii: "\n") }
  private var space: UInt8 { UInt8(ascii: " ") }
  private var comma: UInt8 { UInt8(ascii: ",") }
  private var equals: UInt8 { UInt8(ascii: "=") }
  private var backslash: UInt8 { UInt8(ascii: "\\") }

  private func endOfLine(_ start: Int, _ sink: EventSink) -> Int {
    var at = start
    while at < sink.messageLength, sink.byte(at) != newline { at += 1 }
    return at
  }

  private func line(_ at: inout Int, _ sink: EventSink) {
    var event = sink.open()
    let start = at
    do throws(Refusal) {
      try series(&at, &event, sink)
      try skipSpaces(&at, sink)
      try fields(&at, sink)
      try timestamp(&at, &event, sink)
    } catch {
      // Nothing of a wrong line is used; reading goes on with the next.
      sink.truncateValues(to: Int(event.first_value))
      event.status = error.status
      at = max(start + 1, endOfLine(at, sink))
    }
    sink.close(event, limits: limits)
  }

  /// Measurement and tags.
  private func series(_ at: inout Int, _ event: inout csj_event, _ sink: EventSink) throws(Refusal) {
    let start = at
    let measurement = try word(&at, sink, stopsAtEquals: false)
    if measurement.length == 0 { throw .malformedLine }
    if wantsLabels { sink.label(.none, measurement) }
    while at < sink.messageLength, sink.byte(at) == comma {
      at += 1
      let key = try word(&at, sink, stopsAtEquals: true)
      guard at < sink.messageLength, sink.byte(at) == equals, key.length > 0 else { throw .malformedLine }
      at += 1
      let value = try word(&at, sink, stopsAtEquals: false)
      if wantsLabels { sink.label(key, value) }
    }
    guard at < sink.messageLength, sink.byte(at) == space else { throw .malformedLine }
    event.stream_offset = UInt32(start)
    event.stream_length = UInt32(at - start)
    if at - start > limits.nameLength * 4 { throw .nameTooLong }
  }

  private func skipSpaces(_ at: inout Int, _ sink: EventSink) throws(Refusal) {
    while at < sink.messageLength, sink.byte(at) == space { at += 1 }
  }

  private func fields(_ at: inout Int, _ sink: EventSink) throws(Refusal) {
    while true {
      let key = try word(&at, sink, stopsAtEquals: true)
      guard at < sink.messageLength, sink.byte(at) == equals, key.length > 0 else { throw .malformedLine }
      at += 1
      guard at < sink.messageLength else { throw .malformedLine }
      if sink.byte(at) == UInt8(ascii: "\"") {
        let text = try string(&at, sink)
        if wantsLabels { sink.label(key, text) }
      } else {
        let start = at
        while at < sink.messageLength, sink.byte(at) != comma, sink.byte(at) != space,
          sink.byte(at) != newline,
          sink.byte(at) != UInt8(ascii: "\r")
        { at += 1 }
        guard let number = sink.withBytes(start..<at, { Self.number($0) }) else { throw .malformedLine }
        sink.put(key, number)
      }
      if at < sink.messageLength, sink.byte(at) == comma {
        at += 1
      } else {
        return
      }
    }
  }

  private func timestamp(_ at: inout Int, _ event: inout csj_event, _ sink: EventSink) throws(Refusal) {
    try skipSpaces(&at, sink)
    let start = at
    while at < sink.messageLength, sink.byte(at) != newline { at += 1 }
    var end = at
    while end > start, sink.byte(end - 1) == UInt8(ascii: "\r") || sink.byte(end - 1) == space { end -= 1 }
    if end == start { return }
    var index = start
    let isNegative = sink.byte(index) == UInt8(ascii: "-")
    if isNegative { index += 1 }
    var value: Int64 = 0
    if index == end { throw .badTimestamp }
    while index < end {
      let digit = sink.byte(index) &- 48
      let (product, over) = value.multipliedReportingOverflow(by: 10)
      if digit > 9 || over || product > Int64.max - 9 { throw .badTimestamp }
      value = product + Int64(digit)
      index += 1
    }
    // Whole seconds and the rest apart, so that nanoseconds do not cost precision.
    let perSecond = Int64((1 / unit).rounded())
    let seconds = Double(value / perSecond) + Double(value % perSecond) / Double(perSecond)
    event.timestamp = isNegative ? -seconds : seconds
  }

  /// A name up to an unescaped comma or space (or equals sign); a copy when it has escapes.
  private func word(_ at: inout Int, _ sink: EventSink, stopsAtEquals: Bool) throws(Refusal) -> Piece {
    let start = at
    var hasEscapes = false
    while at < sink.messageLength {
      let byte = sink.byte(at)
      if byte == backslash, at + 1 < sink.messageLength, isEscaped(sink.byte(at + 1)) {
        hasEscapes = true
        at += 2
        continue
      }
      if byte == comma || byte == space || byte == newline || (stopsAtEquals && byte == equals) { break }
      at += 1
    }
    if at - start > limits.nameLength { throw .nameTooLong }
    if !hasEscapes { return Piece(start..<at) }
    return try unescaped(start..<at, sink, isEscaped)
  }

  private func isEscaped(_ byte: UInt8) -> Bool { byte == comma || byte == space || byte == equals }

  /// A string in quotes; lines may end within it.
  private func string(_ at: inout Int, _ sink: EventSink) throws(Refusal) -> Piece {
    at += 1
    let start = at
    var hasEscapes = false
    while at < sink.messageLength, sink.byte(at) != UInt8(ascii: "\"") {
      if sink.byte(at) == backslash {
        hasEscapes = true
        at += 1
      }
      at += 1
    }
    guard at < sink.messageLength else {
      at = start
      throw .truncated
    }
    let range = start..<at
    at += 1
    if !hasEscapes || !wantsLabels { return Piece(range) }
    return try unescaped(range, sink) { $0 == UInt8(ascii: "\"") || $0 == backslash }
  }

  private func unescaped(
    _ range: Range<Int>, _ sink: EventSink, _ isEscaped: (UInt8) -> Bool
  ) throws(Refusal) -> Piece {
    let start = sink.bytesUsed
    var index = range.lowerBound
    while index < range.upperBound {
      if sink.byte(index) == backslash, index + 1 < range.upperBound, isEscaped(sink.byte(index + 1)) {
        index += 1
      }
      try sink.keep(sink.byte(index))
      index += 1
    }
    return Piece(start..<sink.bytesUsed)
  }

  /// A field's value: a float, `1i`, `1u`, a truth (1 or 0); NaN and infinities are missing. Nil when it is none of it.
  private static func number(_ text: Span<UInt8>) -> Double? {
    guard text.count > 0 else { return nil }
    let last = text[text.count - 1]
    if last == UInt8(ascii: "i") || last == UInt8(ascii: "u") {
      for index in 0..<text.count - 1
      where text[index] &- 48 > 9 && !(index == 0 && text[0] == UInt8(ascii: "-")) {
        return nil
      }
      return Numerals.signed(text, 0, text.count - 1)
    }
    if let number = Numerals.signed(text, 0, text.count) { return number }
    switch word(text) {
    case "t", "true": return 1
    case "f", "false": return 0
    case "nan", "inf", "infinity": return .nan
    default: return nil
    }
  }

  private static func word(_ text: Span<UInt8>) -> String {
    if text.count > 9 { return "" }
    var letters: [UInt8] = []
    for index in 0..<text.count
    where !(index == 0 && (text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+"))) {
      letters.append(text[index] | 0x20)
    }
    return String(decoding: letters, as: UTF8.self)
  }
}
