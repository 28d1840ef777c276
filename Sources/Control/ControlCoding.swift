import Events
import Foundation

/// Requests and replies as bytes. Pure; every failure is a ``Failure`` that can be sent back as it is.
public enum ControlCoding {
  /// The largest request and reply that are taken: 1 MiB and 64 MiB.
  public static let largestRequest = 1 << 20
  public static let largestReply = 64 << 20

  public static func encode(_ request: ControlRequest) throws(Failure) -> [UInt8] {
    try bytes(of: RequestEnvelope(request))
  }

  public static func encode(_ reply: ControlReply) throws(Failure) -> [UInt8] {
    try bytes(of: ReplyEnvelope(reply: reply))
  }

  /// - Throws: a ``Failure`` of kind `protocol` for bytes that are no request of this version, of kind `usage` for an
  ///   unknown command.
  public static func decodeRequest(_ bytes: [UInt8]) throws(Failure) -> ControlRequest {
    guard bytes.count <= largestRequest else {
      throw Failure(
        .protocol, what: "request", why: "\(bytes.count) bytes are more than the \(largestRequest) allowed",
        remedy: "send less")
    }
    return try value(RequestEnvelope.self, of: bytes, what: "request").request
  }

  public static func decodeReply(_ bytes: [UInt8]) throws(Failure) -> ControlReply {
    try value(ReplyEnvelope.self, of: bytes, what: "reply").reply
  }

  /// A reply's body as JSON for scripts (`--json`): sorted keys, indented.
  public static func json(_ value: some Encodable) throws(Failure) -> String {
    let encoder = Self.encoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw Failure(.software, what: "reply", why: "\(error)", remedy: "please report it")
    }
  }

  private static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  private static func bytes(of value: some Encodable) throws(Failure) -> [UInt8] {
    do {
      return [UInt8](try encoder().encode(value))
    } catch {
      throw Failure(.software, what: "message", why: "\(error)", remedy: "please report it")
    }
  }

  private static func value<T: Decodable>(_ type: T.Type, of bytes: [UInt8], what: String) throws(Failure)
    -> T
  {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let failure as Failure {
      throw failure
    } catch let error as DecodingError {
      throw Failure(
        .protocol, what: what, why: readable(error),
        remedy: "is the other side of the same version? this one speaks version \(ControlRequest.version)")
    } catch {
      throw Failure(
        .protocol, what: what, why: "\(error)", remedy: "send JSON of version \(ControlRequest.version)")
    }
  }

  private static func readable(_ error: DecodingError) -> String {
    func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(path(context.codingPath)) is of another type: \(context.debugDescription)"
    case .dataCorrupted(let context): return context.debugDescription
    @unknown default: return "\(error)"
    }
  }
}

/// `{"version":1,"command":…,"arguments":{…}}`.
struct RequestEnvelope: Codable {
  let request: ControlRequest
  init(_ request: ControlRequest) { self.request = request }

  private enum Key: String, CodingKey { case version, command, arguments }
  private enum Argument: String, CodingKey {
    case name, stream, id, by, note, seconds, snapshot, file, text, model, count, seed, limit, unit, release,
      first, second
  }

  init(from decoder: any Decoder) throws {
    let whole = try decoder.container(keyedBy: Key.self)
    let version = try whole.decode(Int.self, forKey: .version)
    guard version == ControlRequest.version else {
      throw Failure(
        .protocol, what: "request", why: "version \(version) is not spoken here",
        remedy: "use programs of one version; this one speaks \(ControlRequest.version)")
    }
    let command = try whole.decode(String.self, forKey: .command)
    func arguments() throws -> KeyedDecodingContainer<Argument> {
      try whole.nestedContainer(keyedBy: Argument.self, forKey: .arguments)
    }
    func text(_ key: Argument) throws -> String { try arguments().decode(String.self, forKey: key) }
    func optional(_ key: Argument) throws -> String? {
      guard whole.contains(.arguments) else { return nil }
      return try arguments().decodeIfPresent(String.self, forKey: key)
    }
    switch command {
    case "status": request = .status
    case "streams":
      request = .streams(try whole.decodeIfPresent(StreamQuery.self, forKey: .arguments) ?? StreamQuery())
    case "stream": request = .stream(name: try text(.name))
    case "alerts":
      request = .alerts(try whole.decodeIfPresent(AlertQuery.self, forKey: .arguments) ?? AlertQuery())
    case "explain": request = .explain(id: try text(.id))
    case "ack":
      request = .acknowledge(
        id: try text(.id), by: try optional(.by) ?? "", note: try optional(.note) ?? "")
    case "silence":
      let seconds = try arguments().decode(Double.self, forKey: .seconds)
      guard seconds > 0, seconds <= 366 * 86400 else {
        throw Failure(
          .usage, what: "silence", why: "\(seconds) seconds are no time to be silent for",
          remedy: "give more than none and at most a year")
      }
      request = .silence(stream: try text(.stream), seconds: seconds)
    case "unsilence": request = .unsilence(stream: try text(.stream))
    case "models": request = .models(stream: try optional(.stream))
    case "snapshots": request = .snapshots(stream: try text(.stream))
    case "retrain": request = .retrain(stream: try optional(.stream))
    case "revert": request = .revert(stream: try text(.stream), snapshot: try optional(.snapshot))
    case "reload": request = .reload
    case "check": request = .check(file: try optional(.file) ?? "", text: try text(.text))
    case "sample":
      let given = try arguments()
      let count = try given.decodeIfPresent(Int.self, forKey: .count) ?? 100
      guard (1...ControlRequest.largestSample).contains(count) else {
        throw Failure(
          .usage, what: "sample", why: "\(count) rows cannot be drawn",
          remedy: "ask for 1 to \(ControlRequest.largestSample)")
      }
      request = .sample(
        stream: try text(.stream), model: try text(.model), count: count,
        seed: try given.decodeIfPresent(UInt64.self, forKey: .seed) ?? 1)
    case "doctor": request = .doctor
    case "trace":
      let count = try arguments().decodeIfPresent(Int.self, forKey: .count) ?? 300
      guard (1...ControlRequest.longestTrace).contains(count) else {
        throw Failure(
          .usage, what: "trace", why: "\(count) rows cannot be shown",
          remedy: "ask for 1 to \(ControlRequest.longestTrace)")
      }
      request = .trace(stream: try text(.stream), count: count)
    case "traverse":
      let given = try arguments()
      let count = try given.decodeIfPresent(Int.self, forKey: .count) ?? 21
      guard (2...200).contains(count) else {
        throw Failure(.usage, what: "traverse", why: "\(count) places are no way", remedy: "ask for 2 to 200")
      }
      request = .traverse(
        stream: try text(.stream), model: try text(.model),
        unit: try given.decodeIfPresent(Int.self, forKey: .unit) ?? 0, count: count)
    case "label": request = .label(try whole.decode(LabelOrder.self, forKey: .arguments))
    case "undo": request = .undo(by: try optional(.by) ?? "")
    case "forget": request = .forget(try whole.decode(ForgetOrder.self, forKey: .arguments))
    case "audit":
      let given = whole.contains(.arguments) ? try arguments().decodeIfPresent(Int.self, forKey: .limit) : nil
      request = .audit(limit: min(10_000, max(1, given ?? 100)))
    case "promote": request = .promote(stream: try text(.stream), snapshot: try text(.snapshot))
    case "retain":
      request = .retain(
        stream: try text(.stream), snapshot: try text(.snapshot),
        release: try arguments().decodeIfPresent(Bool.self, forKey: .release) ?? false)
    case "diff":
      request = .diff(stream: try text(.stream), first: try text(.first), second: try text(.second))
    case "rerun": request = .rerun(id: try text(.id))
    case "power": request = .power(stream: try text(.stream))
    case "drift": request = .drift(stream: try text(.stream))
    case "forecast": request = .forecast(try whole.decode(ForecastQuery.self, forKey: .arguments))
    default: throw Failure.unknownCommand(String(command.prefix(64)))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var whole = encoder.container(keyedBy: Key.self)
    try whole.encode(ControlRequest.version, forKey: .version)
    try whole.encode(request.command, forKey: .command)
    func put(_ values: (Argument, (any Encodable)?)...) throws {
      var arguments = whole.nestedContainer(keyedBy: Argument.self, forKey: .arguments)
      for (key, value) in values {
        if let value { try arguments.encode(value, forKey: key) }
      }
    }
    switch request {
    case .status, .reload, .doctor: break
    case .trace(let stream, let count): try put((.stream, stream), (.count, count))
    case .traverse(let stream, let model, let unit, let count):
      try put((.stream, stream), (.model, model), (.unit, unit), (.count, count))
    case .label(let order): try whole.encode(order, forKey: .arguments)
    case .undo(let by): try put((.by, by))
    case .forget(let order): try whole.encode(order, forKey: .arguments)
    case .audit(let limit): try put((.limit, limit))
    case .streams(let query): try whole.encode(query, forKey: .arguments)
    case .stream(let name): try put((.name, name))
    case .alerts(let query): try whole.encode(query, forKey: .arguments)
    case .forecast(let query): try whole.encode(query, forKey: .arguments)
    case .explain(let id), .rerun(let id): try put((.id, id))
    case .promote(let stream, let snapshot): try put((.stream, stream), (.snapshot, snapshot))
    case .retain(let stream, let snapshot, let release):
      try put((.stream, stream), (.snapshot, snapshot), (.release, release))
    case .diff(let stream, let first, let second):
      try put((.stream, stream), (.first, first), (.second, second))
    case .acknowledge(let id, let by, let note): try put((.id, id), (.by, by), (.note, note))
    case .silence(let stream, let seconds): try put((.stream, stream), (.seconds, seconds))
    case .unsilence(let stream), .snapshots(let stream), .power(let stream), .drift(let stream):
      try put((.stream, stream))
    case .models(let stream), .retrain(let stream): try put((.stream, stream))
    case .revert(let stream, let snapshot): try put((.stream, stream), (.snapshot, snapshot))
    case .check(let file, let text): try put((.file, file), (.text, text))
    case .sample(let stream, let model, let count, let seed):
      try put((.stream, stream), (.model, model), (.count, count), (.seed, seed))
    }
  }
}

/// `{"version":1,"reply":…,"body":{…}}`.
struct ReplyEnvelope: Codable {
  let reply: ControlReply
  init(reply: ControlReply) { self.reply = reply }

  private enum Key: String, CodingKey { case version, reply, body }

  init(from decoder: any Decoder) throws {
    let whole = try decoder.container(keyedBy: Key.self)
    let version = try whole.decode(Int.self, forKey: .version)
    guard version == ControlRequest.version else {
      throw Failure(
        .protocol, what: "reply", why: "the daemon speaks version \(version)",
        remedy: "use programs of one version; this one speaks \(ControlRequest.version)")
    }
    func body<T: Decodable>(_ type: T.Type) throws -> T { try whole.decode(type, forKey: .body) }
    let kind = try whole.decode(String.self, forKey: .reply)
    switch kind {
    case "status": reply = .status(try body(StatusReport.self))
    case "streams": reply = .streams(try body(StreamList.self))
    case "stream": reply = .stream(try body(StreamDetail.self))
    case "alerts": reply = .alerts(try body(AlertList.self))
    case "explanation": reply = .explanation(try body(Explanation.self))
    case "models": reply = .models(try body(ModelList.self))
    case "snapshots": reply = .snapshots(try body(SnapshotList.self))
    case "check": reply = .check(try body(CheckReport.self))
    case "sample": reply = .sample(try body(SampleReport.self))
    case "doctor": reply = .doctor(try body(DoctorReport.self))
    case "trace": reply = .trace(try body(TraceReport.self))
    case "traversal": reply = .traversal(try body(TraversalReport.self))
    case "verdict": reply = .verdict(try body(VerdictReport.self))
    case "audit": reply = .audit(try body(AuditList.self))
    case "diff": reply = .diff(try body(SnapshotDiff.self))
    case "rerun": reply = .rerun(try body(RerunReport.self))
    case "power": reply = .power(try body(PowerReport.self))
    case "drift": reply = .drift(try body(FieldDriftReport.self))
    case "forecast": reply = .forecast(try body(ForecastReport.self))
    case "done": reply = .done(try body(Done.self))
    case "failure": reply = .failure(try body(Failure.self))
    default:
      throw Failure(
        .protocol, what: "reply", why: "of an unknown kind, \(kind)", remedy: "use programs of one version")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var whole = encoder.container(keyedBy: Key.self)
    try whole.encode(ControlRequest.version, forKey: .version)
    try whole.encode(reply.kind, forKey: .reply)
    try whole.encode(reply.body, forKey: .body)
  }
}

extension ControlReply {
  /// The report inside, for those who only want to write it down.
  public var body: any Encodable & Sendable {
    switch self {
    case .status(let body): body
    case .streams(let body): body
    case .stream(let body): body
    case .alerts(let body): body
    case .explanation(let body): body
    case .models(let body): body
    case .snapshots(let body): body
    case .check(let body): body
    case .sample(let body): body
    case .doctor(let body): body
    case .trace(let body): body
    case .traversal(let body): body
    case .verdict(let body): body
    case .audit(let body): body
    case .diff(let body): body
    case .rerun(let body): body
    case .power(let body): body
    case .drift(let body): body
    case .forecast(let body): body
    case .done(let body): body
    case .failure(let body): body
    }
  }
}
