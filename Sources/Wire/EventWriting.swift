import CSimdJSON

/// Where a name or text lies in the bytes of a sink.
struct Piece: Equatable {
  var offset: UInt32
  var length: UInt32
  static let none = Piece(offset: 0, length: 0)

  init(offset: UInt32, length: UInt32) {
    self.offset = offset
    self.length = length
  }

  init(_ range: Range<Int>) {
    offset = UInt32(range.lowerBound)
    length = UInt32(range.count)
  }

  var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }
}

/// What one message may at most become.
struct Limits: Sendable {
  var values = 1024
  var nameLength = 256
  var depth = 32
  /// Bytes of names that had to be joined or unescaped.
  static let nameBytes = 64 << 20
}

// What the decoders write with. Nothing here allocates once the sink has grown to the size of the messages.
extension EventSink {
  /// Takes a copy of a message, so that names can be referred to where they stand.
  func copy(_ message: Span<UInt8>) {
    let needed = message.count + Int(CSJ_PADDING) * 2
    if byteCapacity < needed { growBytes(to: needed) }
    unsafe message.withUnsafeBufferPointer { buffer in
      if let start = buffer.baseAddress { unsafe raw.pointee.bytes.update(from: start, count: buffer.count) }
    }
    unsafe raw.pointee.message_length = UInt32(message.count)
    unsafe raw.pointee.bytes_used = UInt32(message.count + Int(CSJ_PADDING))
  }

  var messageLength: Int { unsafe Int(raw.pointee.message_length) }

  @inline(__always)
  func byte(_ index: Int) -> UInt8 {
    precondition(index >= 0 && index < bytesUsed, "byte \(index) of \(bytesUsed)")
    return unsafe raw.pointee.bytes[index]
  }

  /// Makes room for so many more bytes behind those in use.
  func reserve(bytes count: Int) throws(Refusal) {
    let needed = bytesUsed + count + Int(CSJ_PADDING)
    if needed > messageLength + Limits.nameBytes { throw .tooLarge }
    if needed > byteCapacity { growBytes(to: needed) }
  }

  func keep(_ byte: UInt8) throws(Refusal) {
    try reserve(bytes: 1)
    unsafe raw.pointee.bytes[bytesUsed] = byte
    unsafe raw.pointee.bytes_used += 1
  }

  func keep(_ bytes: Span<UInt8>) throws(Refusal) -> Piece {
    let start = bytesUsed
    try reserve(bytes: bytes.count)
    unsafe bytes.withUnsafeBufferPointer { buffer in
      if let source = buffer.baseAddress {
        unsafe (raw.pointee.bytes + start).update(from: source, count: buffer.count)
      }
    }
    unsafe raw.pointee.bytes_used += UInt32(bytes.count)
    return Piece(start..<start + bytes.count)
  }

  @discardableResult
  func keep(_ bytes: [UInt8]) throws(Refusal) -> Piece { try keep(bytes.span) }

  /// A copy of a piece behind everything else.
  @discardableResult
  func keep(_ piece: Piece) throws(Refusal) -> Piece {
    let start = bytesUsed
    try reserve(bytes: Int(piece.length))
    unsafe (raw.pointee.bytes + start).update(
      from: raw.pointee.bytes + Int(piece.offset), count: Int(piece.length))
    unsafe raw.pointee.bytes_used += piece.length
    return Piece(start..<start + Int(piece.length))
  }

  /// `prefix.last`, without the dot when there is no prefix.
  func join(_ prefix: Piece, _ last: Piece, limit: Int) throws(Refusal) -> Piece {
    if prefix.length == 0 { return last }
    if Int(prefix.length) + Int(last.length) + 1 > limit { throw .nameTooLong }
    let start = bytesUsed
    try keep(prefix)
    try keep(UInt8(ascii: "."))
    try keep(last)
    return Piece(start..<bytesUsed)
  }

  func put(_ name: Piece, _ number: Double) {
    if valueCount == valueCapacity { growValues() }
    let index = valueCount
    let value = Float(number)
    unsafe raw.pointee.name_offsets[index] = name.offset
    unsafe raw.pointee.name_lengths[index] = name.length
    unsafe raw.pointee.values[index] = value.isFinite ? value : .nan
    if let exact = unsafe raw.pointee.exact { unsafe exact[index] = number }
    unsafe raw.pointee.values_count += 1
  }

  /// Appends a positional value as it came.
  func put(_ value: Float) {
    if valueCount == valueCapacity { growValues() }
    let index = valueCount
    unsafe raw.pointee.name_offsets[index] = 0
    unsafe raw.pointee.name_lengths[index] = 0
    unsafe raw.pointee.values[index] = value.isFinite ? value : .nan
    if let exact = unsafe raw.pointee.exact { unsafe exact[index] = Double(value) }
    unsafe raw.pointee.values_count += 1
  }

  func label(_ name: Piece, _ text: Piece) {
    if unsafe labelCount == Int(raw.pointee.labels_capacity) { growLabels() }
    let index = labelCount
    unsafe raw.pointee.label_offsets[index] = name.offset
    unsafe raw.pointee.label_lengths[index] = name.length
    unsafe raw.pointee.text_offsets[index] = text.offset
    unsafe raw.pointee.text_lengths[index] = text.length
    unsafe raw.pointee.labels_count += 1
  }

  func labelName(_ index: Int) -> Piece {
    precondition(index >= 0 && index < labelCount, "label \(index) of \(labelCount)")
    return unsafe Piece(offset: raw.pointee.label_offsets[index], length: raw.pointee.label_lengths[index])
  }

  func labelText(_ index: Int) -> Piece {
    precondition(index >= 0 && index < labelCount, "label \(index) of \(labelCount)")
    return unsafe Piece(offset: raw.pointee.text_offsets[index], length: raw.pointee.text_lengths[index])
  }

  func namePiece(_ index: Int) -> Piece {
    precondition(index < valueCount, "value \(index) of \(valueCount)")
    return unsafe Piece(offset: raw.pointee.name_offsets[index], length: raw.pointee.name_lengths[index])
  }

  func setName(_ index: Int, _ name: Piece) {
    precondition(index < valueCount, "value \(index) of \(valueCount)")
    unsafe raw.pointee.name_offsets[index] = name.offset
    unsafe raw.pointee.name_lengths[index] = name.length
  }

  func value(_ index: Int) -> Float {
    precondition(index < valueCount, "value \(index) of \(valueCount)")
    return unsafe raw.pointee.values[index]
  }

  /// Forgets values from this one on.
  func truncateValues(to count: Int) { unsafe raw.pointee.values_count = UInt32(count) }

  /// A new event that begins with the next value.
  func open() -> csj_event {
    var event = csj_event()
    event.timestamp = .nan
    event.first_value = unsafe raw.pointee.values_count
    event.first_label = unsafe raw.pointee.labels_count
    return event
  }

  /// Ends an event: counts and hashes what was put since it was opened.
  func close(_ event: csj_event, limits: Limits) {
    var event = event
    event.value_count = unsafe raw.pointee.values_count - event.first_value
    event.label_count = unsafe raw.pointee.labels_count - event.first_label
    if Int(event.value_count) > limits.values { event.status = CSJ_TOO_MANY_FIELDS.rawValue }
    if event.value_count == 0, event.status == 0, event.label_count == 0 {
      event.status = CSJ_NO_NUMBERS.rawValue
    }
    event.schema = schema(of: event)
    if unsafe raw.pointee.events_count == raw.pointee.events_capacity { growEvents() }
    unsafe raw.pointee.events[count] = event
    unsafe raw.pointee.events_count += 1
  }

  func schema(of event: csj_event) -> UInt64 {
    if event.flags & CSJ_POSITIONAL.rawValue != 0 {
      return csj_fold(seed ^ 0x9e37_79b9_7f4a_7c15, UInt64(event.value_count) + 1)
    }
    var schema = seed
    for index in Int(event.first_value)..<Int(event.first_value + event.value_count) {
      schema = csj_chain(schema, hash(namePiece(index), seed: seed))
    }
    return schema
  }

  func header(_ index: Int) -> csj_event {
    precondition(index < count, "event \(index) of \(count)")
    return unsafe raw.pointee.events[index]
  }

  func setHeader(_ index: Int, _ event: csj_event) {
    precondition(index < count, "event \(index) of \(count)")
    unsafe raw.pointee.events[index] = event
  }

  func hash(_ piece: Piece, seed: UInt64) -> UInt64 {
    precondition(piece.range.upperBound <= bytesUsed, "bytes \(piece.range) of \(bytesUsed)")
    return unsafe csj_hash(raw.pointee.bytes + Int(piece.offset), Int(piece.length), seed)
  }

  func isUTF8(_ piece: Piece) -> Bool {
    precondition(piece.range.upperBound <= bytesUsed, "bytes \(piece.range) of \(bytesUsed)")
    return unsafe csj_is_utf8(raw.pointee.bytes + Int(piece.offset), Int(piece.length)) != 0
  }

  func equals(_ piece: Piece, _ word: StaticString) -> Bool {
    if Int(piece.length) != word.utf8CodeUnitCount { return false }
    for index in 0..<word.utf8CodeUnitCount
    where byte(Int(piece.offset) + index) != (unsafe word.utf8Start[index]) { return false }
    return true
  }
}
