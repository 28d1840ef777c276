import CSimdJSON

/// Reads little-endian float32 rows: every row is one event, its values in the order of the rules' fields.
struct RowReader {
  let width: Int
  let headerBytes: Int
  /// Seconds from row to row; 0 when all happened on arrival.
  let interval: Double

  init(rules: SourceRules) {
    width = max(1, rules.fields.count)
    headerBytes = rules.headerBytes
    interval = rules.sampleRate.map { 1 / $0 } ?? 0
  }

  /// The last row happened on arrival.
  func read(_ payload: Span<UInt8>, arrival: Double, limits: Limits, into sink: EventSink) -> Refusal? {
    let bytes = payload.count - headerBytes
    if bytes < 0 { return .truncated }
    if bytes == 0 { return .noNumbers }
    if bytes % (4 * width) != 0 { return .wrongFieldCount }
    let rows = bytes / (4 * width)
    sink.putRows(payload, from: headerBytes, count: rows * width)
    for row in 0..<rows {
      var event = csj_event()
      event.timestamp = arrival - Double(rows - 1 - row) * interval
      event.first_value = UInt32(row * width)
      event.value_count = UInt32(width)
      event.flags = CSJ_POSITIONAL.rawValue | EventSink.arrivalTimeFlag
      sink.append(event)
    }
    return nil
  }
}

extension EventSink {
  /// Appends float32 values as they stand in a message; those that are no numbers are missing.
  func putRows(_ payload: Span<UInt8>, from start: Int, count: Int) {
    precondition(
      start >= 0 && start + 4 * count <= payload.count, "\(count) floats of \(payload.count) bytes")
    while valueCount + count > valueCapacity { growValues() }
    unsafe payload.withUnsafeBytes { bytes in
      let target = unsafe raw.pointee.values + valueCount
      guard let source = bytes.baseAddress else { return }
      // Without a check of each index and with one comparison of bits it goes several at once.
      let exponent = Float.infinity.bitPattern
      for index in 0..<count {
        let offset = start &+ 4 &* index
        let bits = unsafe UInt32(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let isFinite = bits & exponent != exponent
        unsafe target[index] = Float(bitPattern: isFinite ? bits : Float.nan.bitPattern)
      }
      if let exact = unsafe raw.pointee.exact {
        for index in 0..<count { unsafe exact[valueCount + index] = Double(target[index]) }
      }
    }
    unsafe raw.pointee.values_count += UInt32(count)
  }

  /// Appends an event whose counts are known, and hashes its names.
  func append(_ event: csj_event) {
    var event = event
    event.schema = schema(of: event)
    if unsafe raw.pointee.events_count == raw.pointee.events_capacity { growEvents() }
    unsafe raw.pointee.events[count] = event
    unsafe raw.pointee.events_count += 1
  }
}
