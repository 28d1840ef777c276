/// The daemon's answer to one ``ControlRequest``.
///
/// On the wire one JSON object, `{"version":1,"reply":"status","body":{…}}`.
public enum ControlReply: Sendable, Equatable {
  case status(StatusReport)
  case streams(StreamList)
  case stream(StreamDetail)
  case alerts(AlertList)
  case explanation(Explanation)
  case models(ModelList)
  case snapshots(SnapshotList)
  case check(CheckReport)
  case sample(SampleReport)
  case doctor(DoctorReport)
  case trace(TraceReport)
  case traversal(TraversalReport)
  case verdict(VerdictReport)
  case audit(AuditList)
  case diff(SnapshotDiff)
  case rerun(RerunReport)
  case power(PowerReport)
  case drift(FieldDriftReport)
  case forecast(ForecastReport)
  /// The order was carried out (and, where it says so, is kept over restarts).
  case done(Done)
  case failure(Failure)

  /// The kind's name on the wire.
  public var kind: String {
    switch self {
    case .status: "status"
    case .streams: "streams"
    case .stream: "stream"
    case .alerts: "alerts"
    case .explanation: "explanation"
    case .models: "models"
    case .snapshots: "snapshots"
    case .check: "check"
    case .sample: "sample"
    case .doctor: "doctor"
    case .trace: "trace"
    case .traversal: "traversal"
    case .verdict: "verdict"
    case .audit: "audit"
    case .diff: "diff"
    case .rerun: "rerun"
    case .power: "power"
    case .drift: "drift"
    case .forecast: "forecast"
    case .done: "done"
    case .failure: "failure"
    }
  }
}

/// An order that was carried out.
public struct Done: Sendable, Codable, Equatable {
  /// What was done, as a sentence: "host-17 is silent until 2026-11-22T21:00:00Z".
  public var what: String
  /// Whatever helps a script, by name.
  public var details: [String: String]
  public init(_ what: String, details: [String: String] = [:]) {
    self.what = what
    self.details = details
  }
}

/// Why a request was not answered: what failed, why, and what to do about it.
public struct Failure: Error, Sendable, Codable, Equatable, CustomStringConvertible {
  /// What kind of failure it is, named after sysexits(3).
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case usage, data, input, unavailable, software, output, io, temporary, `protocol`, permission,
      configuration

    /// The exit code a program ends with.
    public var exitCode: Int32 {
      switch self {
      case .usage: 64
      case .data: 65
      case .input: 66
      case .unavailable: 69
      case .software: 70
      case .output: 73
      case .io: 74
      case .temporary: 75
      case .protocol: 76
      case .permission: 77
      case .configuration: 78
      }
    }
  }

  public var kind: Kind
  public var what: String
  public var why: String
  /// What to do.
  public var remedy: String
  public init(_ kind: Kind, what: String, why: String, remedy: String) {
    self.kind = kind
    self.what = what
    self.why = why
    self.remedy = remedy
  }

  /// One line: `what: why: what to do`.
  public var description: String {
    [what, why, remedy].filter { !$0.isEmpty }.joined(separator: ": ")
      .split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

extension Failure {
  public static func unknownStream(_ name: String) -> Failure {
    Failure(
      .data, what: "stream \(name)", why: "no stream of this name is known",
      remedy: "see `anomalyctl streams`")
  }
  public static func unknownIncident(_ id: String) -> Failure {
    Failure(
      .data, what: "incident \(id)", why: "no incident of this id is known", remedy: "see `anomalyctl alerts`"
    )
  }
  public static func unknownCommand(_ name: String) -> Failure {
    Failure(
      .usage, what: "command \(name)", why: "this daemon does not know it",
      remedy: "it knows \(ControlRequest.commands.joined(separator: ", "))")
  }
}
