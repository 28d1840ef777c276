import CSimdJSON

/// The events of one message as arrays, filled by a ``MessageDecoder`` and used again for the next message, so that
/// decoding allocates nothing in the steady state.
///
/// Event `i` has the values ``Event/values`` of ``withValues(_:_:)``; the name of value `v` is the bytes ``name(_:)``
/// of ``withBytes(_:_:)``, valid until the next message.
@safe public final class EventSink {
  /// The head of one event.
  public struct Event: Sendable {
    /// Seconds since 1970; NaN when the payload does not say it and nothing was filled in.
    public var timestamp: Double
    public var seq: UInt64?
    /// A hash of the epoch's text.
    public var epoch: UInt64?
    /// A hash over the names in order: equal hashes, equal names.
    public var schema: UInt64
    /// Whether the values have no names, but are those of the stream's fields in order.
    public var isPositional: Bool
    /// Whether the names came as a list, which holds for later events of the stream that come without.
    public var namesFields: Bool
    /// The bytes of the stream's name; nil when the payload does not say it.
    public var stream: Range<Int>?
    public var values: Range<Int>
    /// Whether some of the values are counters, see ``EventSink/isRate(_:)``.
    public var hasRates: Bool
    /// Why this event is not to be used, if so.
    public var refusal: Refusal?
  }

  static let hasRatesFlag: UInt32 = 1 << 16

  let seed: UInt64
  var raw = unsafe csj_sink()
  // What rules make of the values goes here; then the two change places.
  private var exact: UnsafeMutablePointer<Double>
  private var spareOffsets: UnsafeMutablePointer<UInt32>
  private var spareLengths: UnsafeMutablePointer<UInt32>
  private var spareValues: UnsafeMutablePointer<Float>
  private var spareExact: UnsafeMutablePointer<Double>
  private var rateMarks: UnsafeMutablePointer<Bool>

  /// - Parameter seed: of the hashes; random in a program that strangers send to.
  public init(seed: UInt64 = 0x616e_6f6d_616c_7964) {
    self.seed = seed
    let bytes = 1 << 14
    let values = 1 << 10
    unsafe raw.bytes = .allocate(capacity: bytes)
    unsafe raw.bytes_capacity = UInt32(bytes)
    unsafe raw.name_offsets = .allocate(capacity: values)
    unsafe raw.name_lengths = .allocate(capacity: values)
    unsafe raw.values = .allocate(capacity: values)
    unsafe exact = .allocate(capacity: values)
    unsafe raw.values_capacity = UInt32(values)
    unsafe spareOffsets = .allocate(capacity: values)
    unsafe spareLengths = .allocate(capacity: values)
    unsafe spareValues = .allocate(capacity: values)
    unsafe spareExact = .allocate(capacity: values)
    unsafe rateMarks = .allocate(capacity: values)
    unsafe raw.label_offsets = .allocate(capacity: values)
    unsafe raw.label_lengths = .allocate(capacity: values)
    unsafe raw.text_offsets = .allocate(capacity: values)
    unsafe raw.text_lengths = .allocate(capacity: values)
    unsafe raw.labels_capacity = UInt32(values)
    unsafe raw.events = .allocate(capacity: 256)
    unsafe raw.events_capacity = 256
  }

  deinit {
    unsafe raw.bytes.deallocate()
    unsafe raw.name_offsets.deallocate()
    unsafe raw.name_lengths.deallocate()
    unsafe raw.values.deallocate()
    unsafe exact.deallocate()
    unsafe spareOffsets.deallocate()
    unsafe spareLengths.deallocate()
    unsafe spareValues.deallocate()
    unsafe spareExact.deallocate()
    unsafe rateMarks.deallocate()
    unsafe raw.label_offsets.deallocate()
    unsafe raw.label_lengths.deallocate()
    unsafe raw.text_offsets.deallocate()
    unsafe raw.text_lengths.deallocate()
    unsafe raw.events.deallocate()
  }

  // MARK: Reading

  var valueCount: Int { unsafe Int(raw.values_count) }
  var valueCapacity: Int { unsafe Int(raw.values_capacity) }
  var labelCount: Int { unsafe Int(raw.labels_count) }
  var bytesUsed: Int { unsafe Int(raw.bytes_used) }
  var byteCapacity: Int { unsafe Int(raw.bytes_capacity) }

  /// Events of the message.
  public var count: Int { unsafe Int(raw.events_count) }

  public func event(_ index: Int) -> Event {
    precondition(index >= 0 && index < count, "event \(index) of \(count)")
    let event = unsafe raw.events[index]
    let flags = event.flags
    return Event(
      timestamp: event.timestamp, seq: flags & CSJ_HAS_SEQ.rawValue != 0 ? event.seq : nil,
      epoch: flags & CSJ_HAS_EPOCH.rawValue != 0 ? event.epoch : nil, schema: event.schema,
      isPositional: flags & CSJ_POSITIONAL.rawValue != 0,
      namesFields: flags & CSJ_NAMES_FIELDS.rawValue != 0,
      stream: event.stream_length == 0
        ? nil : Int(event.stream_offset)..<Int(event.stream_offset + event.stream_length),
      values: Int(event.first_value)..<Int(event.first_value + event.value_count),
      hasRates: flags & Self.hasRatesFlag != 0, refusal: Refusal(status: event.status))
  }

  /// Lends values of one event; a missing one is NaN.
  public func withValues<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.upperBound <= valueCount, "values \(range) of \(valueCount)")
    let buffer = unsafe UnsafeBufferPointer(start: raw.values + range.lowerBound, count: range.count)
    return try body(unsafe Span(_unsafeElements: buffer))
  }

  /// A value in double precision; kept only when the rules have counters or times among the fields.
  public func exactValue(_ index: Int) -> Double {
    precondition(index >= 0 && index < valueCount, "value \(index) of \(valueCount)")
    return unsafe exact[index]
  }

  /// Whether the value is a counter of which the increase per second is meant; of events that have rates only.
  public func isRate(_ index: Int) -> Bool {
    precondition(index >= 0 && index < valueCount, "value \(index) of \(valueCount)")
    return unsafe rateMarks[index]
  }

  /// Where the name of a value is; empty for a positional one.
  public func name(_ index: Int) -> Range<Int> {
    precondition(index >= 0 && index < valueCount, "value \(index) of \(valueCount)")
    let start = unsafe Int(raw.name_offsets[index])
    return unsafe start..<start + Int(raw.name_lengths[index])
  }

  /// Lends bytes that a range of this sink stands for.
  public func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytesUsed, "bytes \(range) of \(bytesUsed)")
    let buffer = unsafe UnsafeBufferPointer(start: raw.bytes + range.lowerBound, count: range.count)
    return try body(unsafe Span(_unsafeElements: buffer))
  }

  /// A copy of bytes as text.
  public func text(_ range: Range<Int>) -> String {
    withBytes(range) { bytes in
      unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Bytes held.
  public var footprint: Int {
    unsafe Int(raw.bytes_capacity) + Int(raw.values_capacity) * 41 + Int(raw.labels_capacity) * 16
      + Int(raw.events_capacity) * MemoryLayout<csj_event>.stride
  }

  // MARK: Writing

  /// Empties it; with `wantsExact`, values are kept in double precision too.
  func reset(wantsExact: Bool) {
    unsafe raw.message_length = 0
    unsafe raw.bytes_used = 0
    unsafe raw.values_count = 0
    unsafe raw.labels_count = 0
    unsafe raw.events_count = 0
    unsafe raw.exact = unsafe wantsExact ? exact : nil
  }

  /// Writes a value into the spare arrays; never beyond what was grown.
  func setSpare(_ index: Int, name: Piece, value: Float, exact: Double, isRate: Bool) {
    precondition(index >= 0 && index < valueCapacity, "no room for value \(index)")
    unsafe spareOffsets[index] = name.offset
    unsafe spareLengths[index] = name.length
    unsafe spareValues[index] = value
    unsafe spareExact[index] = exact
    unsafe rateMarks[index] = isRate
  }

  /// The spare arrays become the values.
  func adoptSpare(count: Int) {
    unsafe swap(&raw.name_offsets, &spareOffsets)
    unsafe swap(&raw.name_lengths, &spareLengths)
    unsafe swap(&raw.values, &spareValues)
    unsafe swap(&exact, &spareExact)
    unsafe raw.values_count = UInt32(count)
  }

  // MARK: Growing

  func growBytes(to least: Int) {
    let now = unsafe Int(raw.bytes_capacity)
    let next = max(least, now * 2)
    precondition(next <= Int(UInt32.max), "a message of \(least) bytes")
    unsafe raw.bytes = Self.grown(raw.bytes, from: now, to: next)
    unsafe raw.bytes_capacity = UInt32(next)
  }

  func growValues() {
    let now = unsafe Int(raw.values_capacity)
    let next = now * 2
    unsafe raw.name_offsets = Self.grown(raw.name_offsets, from: now, to: next)
    unsafe raw.name_lengths = Self.grown(raw.name_lengths, from: now, to: next)
    unsafe raw.values = Self.grown(raw.values, from: now, to: next)
    unsafe exact = Self.grown(exact, from: now, to: next)
    if unsafe raw.exact != nil { unsafe raw.exact = unsafe exact }
    unsafe spareOffsets = Self.grown(spareOffsets, from: now, to: next)
    unsafe spareLengths = Self.grown(spareLengths, from: now, to: next)
    unsafe spareValues = Self.grown(spareValues, from: now, to: next)
    unsafe spareExact = Self.grown(spareExact, from: now, to: next)
    unsafe rateMarks = Self.grown(rateMarks, from: now, to: next)
    unsafe raw.values_capacity = UInt32(next)
  }

  func growLabels() {
    let now = unsafe Int(raw.labels_capacity)
    let next = now * 2
    unsafe raw.label_offsets = Self.grown(raw.label_offsets, from: now, to: next)
    unsafe raw.label_lengths = Self.grown(raw.label_lengths, from: now, to: next)
    unsafe raw.text_offsets = Self.grown(raw.text_offsets, from: now, to: next)
    unsafe raw.text_lengths = Self.grown(raw.text_lengths, from: now, to: next)
    unsafe raw.labels_capacity = UInt32(next)
  }

  func growEvents() {
    let now = unsafe Int(raw.events_capacity)
    unsafe raw.events = Self.grown(raw.events, from: now, to: now * 2)
    unsafe raw.events_capacity = UInt32(now * 2)
  }

  private static func grown<Element>(
    _ old: UnsafeMutablePointer<Element>, from count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe new.update(from: old, count: count)
    unsafe old.deallocate()
    return unsafe new
  }
}

extension Refusal {
  // Reasons that the C side does not know stand above its own.
  private static let ownStatus: UInt32 = 256

  /// As it is kept in an event.
  var status: UInt32 { Self.ownStatus + UInt32(rawValue) }

  /// Of a `csj_status`; nil for success. What a status is called depends on the format that was read.
  init?(status: UInt32, malformed: Refusal = .malformedJSON) {
    if status >= Self.ownStatus {
      self.init(rawValue: Int(status - Self.ownStatus))
      return
    }
    switch csj_status(rawValue: status) {
    case CSJ_OK: return nil
    case CSJ_TRUNCATED: self = .truncated
    case CSJ_NOT_UTF8: self = .nonUTF8
    case CSJ_TOO_DEEP: self = .tooDeep
    case CSJ_TOO_LARGE: self = .tooLarge
    case CSJ_UNKNOWN_SHAPE: self = .unknownShape
    case CSJ_WRONG_FIELD_COUNT: self = .wrongFieldCount
    case CSJ_TOO_MANY_FIELDS: self = .tooManyFields
    case CSJ_NAME_TOO_LONG: self = .nameTooLong
    case CSJ_BAD_TIMESTAMP: self = .badTimestamp
    case CSJ_NO_NUMBERS: self = .noNumbers
    default: self = malformed
    }
  }
}

// Hashes and names, for tables of streams and fields.
extension EventSink {
  /// The hash that this sink and its decoder make of bytes.
  public func hash(_ bytes: Span<UInt8>) -> UInt64 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return unsafe csj_hash(raw.bytes, 0, seed) }
      return unsafe csj_hash(start, buffer.count, seed)
    }
  }

  /// Names and their hashes of all values of an event that has names.
  public func names(of event: Event) -> [(name: String, hash: UInt64)] {
    event.values.map { index in
      let range = name(index)
      return (text(range), withBytes(range) { hash($0) })
    }
  }
}
