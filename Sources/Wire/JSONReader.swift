import CSimdJSON

/// Reads JSON messages of all four shapes with simdjson.
@safe final class JSONReader {
  private let parser: OpaquePointer
  private var options = csj_options()
  private var smallMessages = 0

  init(limits: Limits, seed: UInt64, wantsLabels: Bool) {
    guard let parser = unsafe csj_parser_new() else { preconditionFailure("no memory for a JSON parser") }
    unsafe self.parser = unsafe parser
    options.seed = seed
    options.max_values = UInt32(limits.values)
    options.max_name_length = UInt32(limits.nameLength)
    options.max_depth = UInt32(limits.depth)
    options.wants_labels = wantsLabels ? 1 : 0
  }

  deinit { unsafe csj_parser_free(parser) }

  /// The kernel that simdjson chose for this processor, as in "icelake".
  static var kernel: String { unsafe String(cString: csj_kernel()) }

  func read(_ payload: Span<UInt8>, into sink: EventSink) -> Refusal? {
    sink.copy(payload)
    // A long message must not hold memory for ever.
    smallMessages = payload.count > 1 << 20 ? 0 : smallMessages &+ 1
    if smallMessages == 1024 { unsafe csj_parser_trim(parser, 1 << 20) }
    while true {
      let status = unsafe UInt32(csj_decode(parser, sink.raw, &options))
      switch csj_status(rawValue: status) {
      case CSJ_OK: return nil
      case CSJ_GROW_BYTES:
        if sink.byteCapacity > payload.count + Limits.nameBytes { return refuse(.tooLarge, sink) }
        sink.growBytes(to: 0)
      case CSJ_GROW_VALUES: sink.growValues()
      case CSJ_GROW_LABELS: sink.growLabels()
      case CSJ_GROW_EVENTS: sink.growEvents()
      default: return refuse(Refusal(status: status) ?? .malformedJSON, sink)
      }
    }
  }

  private func refuse(_ refusal: Refusal, _ sink: EventSink) -> Refusal {
    sink.reset(wantsExact: false)
    return refusal
  }
}
