import CSimdJSON

/// Reads MessagePack messages of the same shapes as JSON.
struct MessagePackReader {
  let limits: Limits
  let wantsLabels: Bool

  func read(_ payload: Span<UInt8>, into sink: EventSink) -> Refusal? {
    sink.copy(payload)
    var walk = MessagePackWalk(sink: sink, limits: limits, wantsLabels: wantsLabels)
    do throws(Refusal) {
      try walk.message()
      return nil
    } catch {
      sink.reset(wantsExact: false)
      return error
    }
  }
}

/// One walk over one message. Every read is checked against the end of the message.
private struct MessagePackWalk {
  let sink: EventSink
  let limits: Limits
  let wantsLabels: Bool
  var at = 0
  var keepsNulls = false
  var isMute = false

  init(sink: EventSink, limits: Limits, wantsLabels: Bool) {
    self.sink = sink
    self.limits = limits
    self.wantsLabels = wantsLabels
  }

  /// What comes next; of containers and texts only the head has been read.
  enum Item {
    case null
    case number(Double)
    case truth(Bool)
    case text(Piece)
    /// Seconds since 1970: the timestamp extension.
    case time(Double)
    case other
    case list(Int)
    case map(Int)
  }

  mutating func message() throws(Refusal) {
    switch try next() {
    case .map(let count): try event(count)
    case .list(let count):
      for _ in 0..<count {
        guard case .map(let size) = try next() else { throw .unknownShape }
        try event(size)
      }
    default:
      if at < sink.messageLength { throw .malformedMessagePack }
      throw .unknownShape
    }
    if at != sink.messageLength { throw .malformedMessagePack }
  }

  // MARK: One event

  private mutating func event(_ count: Int) throws(Refusal) {
    var event = sink.open()
    var hasValues = false
    var fields: (start: Int, count: Int)?
    keepsNulls = false
    isMute = false
    for _ in 0..<count {
      let key = try name()
      let start = at
      let item = try next()
      if sink.equals(key, "ts") {
        try time(item, &event)
      } else if sink.equals(key, "seq"), let seq = wholeNumber(item, at: start) {
        event.seq = seq
        event.flags |= CSJ_HAS_SEQ.rawValue
      } else if sink.equals(key, "epoch"), let text = try identity(item) {
        event.epoch = sink.hash(text, seed: sink.seed)
        event.flags |= CSJ_HAS_EPOCH.rawValue
      } else if sink.equals(key, "stream"), let text = try identity(item) {
        event.stream_offset = text.offset
        event.stream_length = text.length
      } else if sink.equals(key, "values"), isContainer(item) {
        sink.truncateValues(to: Int(event.first_value))
        event.flags &= ~CSJ_POSITIONAL.rawValue
        hasValues = true
        keepsNulls = true
        isMute = false
        if case .list(let size) = item {
          event.flags |= CSJ_POSITIONAL.rawValue
          try elements(size)
        } else {
          try leaf(item, .none, 1)
        }
        isMute = true
      } else if sink.equals(key, "fields"), case .list(let size) = item {
        fields = (at, size)
        for _ in 0..<size { guard case .text = try next() else { throw .unknownShape } }
      } else {
        try leaf(item, key, 1)
      }
    }
    if event.flags & CSJ_POSITIONAL.rawValue != 0, let fields { try assign(fields, to: &event) }
    if hasValues, sink.valueCount == Int(event.first_value), event.status == 0 {
      event.status = Refusal.noNumbers.status
    }
    sink.close(event, limits: limits)
  }

  /// Gives positional values their names.
  private mutating func assign(_ fields: (start: Int, count: Int), to event: inout csj_event) throws(Refusal)
  {
    let first = Int(event.first_value)
    if sink.valueCount - first != fields.count {
      event.status = Refusal.wrongFieldCount.status
      return
    }
    let resume = at
    at = fields.start
    for index in 0..<fields.count {
      if case .text(let piece) = try next() {
        if Int(piece.length) > limits.nameLength { throw .nameTooLong }
        sink.setName(first + index, piece)
      }
    }
    at = resume
    event.flags &= ~CSJ_POSITIONAL.rawValue
    event.flags |= CSJ_NAMES_FIELDS.rawValue
  }

  private func isContainer(_ item: Item) -> Bool {
    switch item {
    case .list, .map: true
    default: false
    }
  }

  private mutating func time(_ item: Item, _ event: inout csj_event) throws(Refusal) {
    switch item {
    case .number(let seconds), .time(let seconds): event.timestamp = seconds
    case .text(let text):
      event.flags |= CSJ_TEXT_TIME.rawValue
      event.text_offset = text.offset
      event.text_length = text.length
    case .null: break
    default:
      let wasMute = isMute
      isMute = true
      try leaf(item, .none, 1)
      isMute = wasMute
      event.status = Refusal.badTimestamp.status
    }
  }

  /// What names something: a text, or a whole number in decimal.
  private mutating func identity(_ item: Item) throws(Refusal) -> Piece? {
    switch item {
    case .text(let piece): return piece
    case .number(let number) where number == number.rounded() && abs(number) < 1e15:
      return try sink.keep(Array(String(Int64(number)).utf8))
    default: return nil
    }
  }

  // MARK: Values

  private mutating func put(_ name: Piece, _ number: Double) {
    if !isMute { sink.put(name, number) }
  }

  private mutating func leaf(_ item: Item, _ name: Piece, _ depth: Int) throws(Refusal) {
    if depth > limits.depth { throw .tooDeep }
    switch item {
    case .number(let number): put(name, number)
    case .truth(let truth): put(name, truth ? 1 : 0)
    case .null: if keepsNulls { put(name, .nan) }
    case .text(let text): if wantsLabels, !isMute { sink.label(name, text) }
    case .time, .other: break
    case .map(let count):
      for _ in 0..<count {
        let key = try sink.join(name, try self.name(), limit: limits.nameLength)
        try leaf(try next(), key, depth + 1)
      }
    case .list(let count):
      for index in 0..<count {
        let item = try next()
        let number = try sink.keep(Array(String(index).utf8))
        try leaf(item, try sink.join(name, number, limit: limits.nameLength), depth + 1)
      }
    }
  }

  /// Numbers in the order of the stream's fields.
  private mutating func elements(_ count: Int) throws(Refusal) {
    for _ in 0..<count {
      switch try next() {
      case .number(let number): put(.none, number)
      case .truth(let truth): put(.none, truth ? 1 : 0)
      case .null: put(.none, .nan)
      default: throw .unknownShape
      }
    }
  }

  // MARK: Items

  /// A key: a text, or a whole number in decimal.
  private mutating func name() throws(Refusal) -> Piece {
    guard let piece = try identity(try next()) else { throw .unknownShape }
    if Int(piece.length) > limits.nameLength { throw .nameTooLong }
    return piece
  }

  private mutating func next() throws(Refusal) -> Item {
    let head = try byte()
    switch head {
    case 0x00...0x7F: return .number(Double(head))
    case 0x80...0x8F: return .map(Int(head & 0x0F))
    case 0x90...0x9F: return .list(Int(head & 0x0F))
    case 0xA0...0xBF: return try text(Int(head & 0x1F))
    case 0xC0: return .null
    case 0xC2: return .truth(false)
    case 0xC3: return .truth(true)
    case 0xC4: return try binary(Int(try integer(1)))
    case 0xC5: return try binary(Int(try integer(2)))
    case 0xC6: return try binary(Int(try integer(4)))
    case 0xD9: return try text(Int(try integer(1)))
    case 0xDA: return try text(Int(try integer(2)))
    case 0xDB: return try text(Int(try integer(4)))
    case 0xC7: return try extended(Int(try integer(1)))
    case 0xC8: return try extended(Int(try integer(2)))
    case 0xC9: return try extended(Int(try integer(4)))
    case 0xCA: return .number(Double(Float(bitPattern: UInt32(try integer(4)))))
    case 0xCB: return .number(Double(bitPattern: try integer(8)))
    case 0xCC: return .number(Double(try integer(1)))
    case 0xCD: return .number(Double(try integer(2)))
    case 0xCE: return .number(Double(try integer(4)))
    case 0xCF: return .number(Double(try integer(8)))
    case 0xD0: return .number(Double(Int8(truncatingIfNeeded: try integer(1))))
    case 0xD1: return .number(Double(Int16(truncatingIfNeeded: try integer(2))))
    case 0xD2: return .number(Double(Int32(truncatingIfNeeded: try integer(4))))
    case 0xD3: return .number(Double(Int64(bitPattern: try integer(8))))
    case 0xD4, 0xD5, 0xD6, 0xD7, 0xD8: return try extended(1 << Int(head - 0xD4))
    case 0xDC: return .list(Int(try integer(2)))
    case 0xDD: return .list(Int(try integer(4)))
    case 0xDE: return .map(Int(try integer(2)))
    case 0xDF: return .map(Int(try integer(4)))
    case 0xE0...0xFF: return .number(Double(Int8(bitPattern: head)))
    default: throw .malformedMessagePack
    }
  }

  /// An item that is a whole number and not negative; one of 64 bits is read again, since a double would round it.
  private func wholeNumber(_ item: Item, at start: Int) -> UInt64? {
    guard case .number(let number) = item else { return nil }
    if sink.byte(start) == 0xCF { return (1...8).reduce(0) { $0 << 8 | UInt64(sink.byte(start + $1)) } }
    return UInt64(exactly: number)
  }

  private mutating func byte() throws(Refusal) -> UInt8 {
    if at >= sink.messageLength { throw .truncated }
    at += 1
    return sink.byte(at - 1)
  }

  /// A big-endian whole number.
  private mutating func integer(_ width: Int) throws(Refusal) -> UInt64 {
    if sink.messageLength - at < width { throw .truncated }
    var value: UInt64 = 0
    for index in at..<at + width { value = value << 8 | UInt64(sink.byte(index)) }
    at += width
    return value
  }

  private mutating func text(_ length: Int) throws(Refusal) -> Item {
    if sink.messageLength - at < length { throw .truncated }
    let piece = Piece(at..<at + length)
    at += length
    if !sink.isUTF8(piece) { throw .nonUTF8 }
    return .text(piece)
  }

  /// Bytes of which the publisher does not say that they are text: old writers send their texts so.
  private mutating func binary(_ length: Int) throws(Refusal) -> Item {
    if sink.messageLength - at < length { throw .truncated }
    let piece = Piece(at..<at + length)
    at += length
    return sink.isUTF8(piece) ? .text(piece) : .other
  }

  /// Type -1 is a time in 32, 64 or 96 bits; others are stepped over.
  private mutating func extended(_ length: Int) throws(Refusal) -> Item {
    let type = try byte()
    if sink.messageLength - at < length { throw .truncated }
    let end = at + length
    defer { at = end }
    guard type == 0xFF else { return .other }
    switch length {
    case 4: return .time(Double(try integer(4)))
    case 8:
      let both = try integer(8)
      return .time(Double(both & 0x3_FFFF_FFFF) + Double(both >> 34) * 1e-9)
    case 12:
      let nanoseconds = Double(try integer(4))
      return .time(Double(Int64(bitPattern: try integer(8))) + nanoseconds * 1e-9)
    default: return .other
    }
  }
}
