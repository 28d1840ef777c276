import CSimdJSON

/// Reads JSON messages of all four shapes with simdjson.
@safe final class JSONReader {
  private let parser: OpaquePointer

  /// - Parameter onlySimdJSON: without the short way for plain messages: to compare the two.
  init(limits: Limits, seed: UInt64, wantsLabels: Bool, onlySimdJSON: Bool = false) {
    var options = csj_options()
    options.seed = seed
    options.max_values = UInt32(limits.values)
    options.max_name_length = UInt32(limits.nameLength)
    options.max_depth = UInt32(limits.depth)
    options.wants_labels = wantsLabels ? 1 : 0
    options.only_simdjson = onlySimdJSON ? 1 : 0
    guard let parser = unsafe csj_parser_new(options) else {
      preconditionFailure("no memory for a JSON parser")
    }
    unsafe self.parser = unsafe parser
  }

  deinit { unsafe csj_parser_free(parser) }

  /// The kernel that simdjson chose for this processor, as in "icelake".
  static var kernel: String { unsafe String(cString: csj_kernel()) }

  func read(_ payload: Span<UInt8>, into sink: EventSink) -> Refusal? {
    sink.copy(payload)
    while true {
      let status = unsafe UInt32(csj_decode(parser, sink.raw))
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
