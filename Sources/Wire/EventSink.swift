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
    /// Whether the time is that of the arrival, and says nothing about which event this is.
    public var hasArrivalTime: Bool
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
  static let arrivalTimeFlag: UInt32 = 1 << 17

  let seed: UInt64
  // On the heap, so that its members are reached without the checks that a class's own are.
  let raw: UnsafeMutablePointer<csj_sink>
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
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(to: csj_sink())
    let bytes = 1 << 14
    let values = 1 << 10
    unsafe raw.pointee.bytes = .allocate(capacity: bytes)
    unsafe raw.pointee.bytes_capacity = UInt32(bytes)
    unsafe raw.pointee.name_offsets = .allocate(capacity: values)
    unsafe raw.pointee.name_lengths = .allocate(capacity: values)
    unsafe raw.pointee.values = .allocate(capacity: values)
    unsafe exact = .allocate(capacity: values)
    unsafe raw.pointee.values_capacity = UInt32(values)
    unsafe spareOffsets = .allocate(capacity: values)
    unsafe spareLengths = .allocate(capacity: values)
    unsafe spareValues = .allocate(capacity: values)
    unsafe spareExact = .allocate(capacity: values)
    unsafe rateMarks = .allocate(capacity: values)
    unsafe raw.pointee.label_offsets = .allocate(capacity: values)
    unsafe raw.pointee.label_lengths = .allocate(capacity: values)
    unsafe raw.pointee.text_offsets = .allocate(capacity: values)
    unsafe raw.pointee.text_lengths = .allocate(capacity: values)
    unsafe raw.pointee.labels_capacity = UInt32(values)
    unsafe raw.pointee.events = .allocate(capacity: 256)
    unsafe raw.pointee.events_capacity = 256
  }

  deinit {
    unsafe raw.pointee.bytes.deallocate()
    unsafe raw.pointee.name_offsets.deallocate()
    unsafe raw.pointee.name_lengths.deallocate()
    unsafe raw.pointee.values.deallocate()
    unsafe exact.deallocate()
    unsafe spareOffsets.deallocate()
    unsafe spareLengths.deallocate()
    unsafe spareValues.deallocate()
    unsafe spareExact.deallocate()
    unsafe rateMarks.deallocate()
    unsafe raw.pointee.label_offsets.deallocate()
    unsafe raw.pointee.label_lengths.deallocate()
    unsafe raw.pointee.text_offsets.deallocate()
    unsafe raw.pointee.text_lengths.deallocate()
    unsafe raw.pointee.events.deallocate()
    unsafe raw.deallocate()
  }

  // MARK: Reading

  var valueCount: Int { unsafe Int(raw.pointee.values_count) }
  var valueCapacity: Int { unsafe Int(raw.pointee.values_capacity) }
  var labelCount: Int { unsafe Int(raw.pointee.labels_count) }
  var bytesUsed: Int { unsafe Int(raw.pointee.bytes_used) }
  var byteCapacity: Int { unsafe Int(raw.pointee.bytes_capacity) }

  /// Events of the message.
  public var count: Int { unsafe Int(raw.pointee.events_count) }

  public func event(_ index: Int) -> Event {
    precondition(index >= 0 && index < count, "event \(index) of \(count)")
    let event = unsafe raw.pointee.events[index]
    let flags = event.flags
    return Event(
      timestamp: event.timestamp, hasArrivalTime: flags & Self.arrivalTimeFlag != 0,
      seq: flags & CSJ_HAS_SEQ.rawValue != 0 ? event.seq : nil,
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
    let buffer = unsafe UnsafeBufferPointer(start: raw.pointee.values + range.lowerBound, count: range.count)
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
    let start = unsafe Int(raw.pointee.name_offsets[index])
    return unsafe start..<start + Int(raw.pointee.name_lengths[index])
  }

  /// Lends bytes that a range of this sink stands for.
  public func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytesUsed, "bytes \(range) of \(bytesUsed)")
    let buffer = unsafe UnsafeBufferPointer(start: raw.pointee.bytes + range.lowerBound, count: range.count)
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
    unsafe Int(raw.pointee.bytes_capacity) + Int(raw.pointee.values_capacity) * 41 + Int(
      raw.pointee.labels_capacity) * 16
      + Int(raw.pointee.events_capacity) * MemoryLayout<csj_event>.stride
  }

  // MARK: Writing

  /// Empties it; with `wantsExact`, values are kept in double precision too.
  func reset(wantsExact: Bool) {
    unsafe raw.pointee.message_length = 0
    unsafe raw.pointee.bytes_used = 0
    unsafe raw.pointee.values_count = 0
    unsafe raw.pointee.labels_count = 0
    unsafe raw.pointee.events_count = 0
    unsafe raw.pointee.exact = unsafe wantsExact ? exact : nil
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
    unsafe swap(&raw.pointee.name_offsets, &spareOffsets)
    unsafe swap(&raw.pointee.name_lengths, &spareLengths)
    unsafe swap(&raw.pointee.values, &spareValues)
    unsafe swap(&exact, &spareExact)
    unsafe raw.pointee.values_count = UInt32(count)
  }

  // MARK: Growing

  func growBytes(to least: Int) {
    let now = unsafe Int(raw.pointee.bytes_capacity)
    let next = max(least, now * 2)
    precondition(next <= Int(UInt32.max), "a message of \(least) bytes")
    unsafe raw.pointee.bytes = Self.grown(raw.pointee.bytes, from: now, to: next)
    unsafe raw.pointee.bytes_capacity = UInt32(next)
  }

  func growValues() {
    let now = unsafe Int(raw.pointee.values_capacity)
    let next = now * 2
    unsafe raw.pointee.name_offsets = Self.grown(raw.pointee.name_offsets, from: now, to: next)
    unsafe raw.pointee.name_lengths = Self.grown(raw.pointee.name_lengths, from: now, to: next)
    unsafe raw.pointee.values = Self.grown(raw.pointee.values, from: now, to: next)
    unsafe exact = Self.grown(exact, from: now, to: next)
    if unsafe raw.pointee.exact != nil { unsafe raw.pointee.exact = unsafe exact }
    unsafe spareOffsets = Self.grown(spareOffsets, from: now, to: next)
    unsafe spareLengths = Self.grown(spareLengths, from: now, to: next)
    unsafe spareValues = Self.grown(spareValues, from: now, to: next)
    unsafe spareExact = Self.grown(spareExact, from: now, to: next)
    unsafe rateMarks = Self.grown(rateMarks, from: now, to: next)
    unsafe raw.pointee.values_capacity = UInt32(next)
  }

  func growLabels() {
    let now = unsafe Int(raw.pointee.labels_capacity)
    let next = now * 2
    unsafe raw.pointee.label_offsets = Self.grown(raw.pointee.label_offsets, from: now, to: next)
    unsafe raw.pointee.label_lengths = Self.grown(raw.pointee.label_lengths, from: now, to: next)
    unsafe raw.pointee.text_offsets = Self.grown(raw.pointee.text_offsets, from: now, to: next)
    unsafe raw.pointee.text_lengths = Self.grown(raw.pointee.text_lengths, from: now, to: next)
    unsafe raw.pointee.labels_capacity = UInt32(next)
  }

  func growEvents() {
    let now = unsafe Int(raw.pointee.events_capacity)
    unsafe raw.pointee.events = Self.grown(raw.pointee.events, from: now, to: now * 2)
    unsafe raw.pointee.events_capacity = UInt32(now * 2)
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
      guard let start = buffer.baseAddress else { return unsafe csj_hash(raw.pointee.bytes, 0, seed) }
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
