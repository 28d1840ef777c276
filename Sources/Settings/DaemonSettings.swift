public import Dashboard
import Detection
import Foundation
public import Logging
public import Pipeline

/// Everything that the config file decides. The defaults are those of the packaged file, `config/anomalyd.yaml`, which
/// is also the manual.
public struct DaemonSettings: Sendable, Equatable {
  public var pipeline = PipelineConfiguration()
  /// Where state is kept.
  public var stateDirectory = "/var/lib/anomalyd"
  public var logLevel = Logger.Level.info
  public var http = HTTPSettings()

  /// What an empty config gives: one source, on which publishers may connect to this machine.
  public init() {
    var events = SourceSettings(name: "events", endpoints: ["tcp://127.0.0.1:5559"])
    events.attachment = .bind
    pipeline.ingest.sources = [events]
  }

  /// Reads a config file.
  ///
  /// - Parameters:
  ///   - environment: `ANOMALYD_SECTION_KEY` overrides `section.key`; lists are separated by commas.
  /// - Returns: the settings, and remarks that are no errors.
  /// - Throws: everything that is wrong, at once.
  public static func load(
    file: String, environment: [String: String] = [:]
  ) throws(ConfigError) -> (settings: DaemonSettings, remarks: [String]) {
    try parse(text(of: file), file: file, environment: environment)
  }

  /// Reads the text of a config.
  ///
  /// - Parameters:
  ///   - file: its name, for messages.
  public static func parse(
    _ text: String, file: String, environment: [String: String] = [:]
  ) throws(ConfigError) -> (settings: DaemonSettings, remarks: [String]) {
    let (settings, reader) = read(text, file: file, environment: environment)
    let problems = reader.sortedProblems
    guard problems.isEmpty else { throw ConfigError(problems: problems) }
    return (
      settings,
      // ANOMALYD_SOCKET is anomalyctl's and may well be exported where the daemon is started.
      reader.unusedVariables.filter { $0 != "ANOMALYD_SOCKET" }.map {
        "environment variable \($0) sets nothing: overrides are named as in ANOMALYD_LOG_LEVEL"
      }
    )
  }

  /// The settings as far as they could be understood, and the reader with all it found.
  static func read(
    _ text: String, file: String, environment: [String: String]
  ) -> (settings: DaemonSettings, reader: ConfigReader) {
    var settings = DaemonSettings()
    let reader = ConfigReader(file: file, environment: environment)
    reader.read(text) { settings.read($0) }
    return (settings, reader)
  }

  private static let largestFile = 16 << 20

  private static func text(of file: String) throws(ConfigError) -> String {
    func wrong(_ message: String) -> ConfigError {
      ConfigError(problems: [ConfigProblem(file: file, key: "", message: message)])
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: file))
    } catch CocoaError.fileReadNoSuchFile {
      throw wrong("no such file: give another one with --config")
    } catch CocoaError.fileReadNoPermission {
      throw wrong("permission denied")
    } catch {
      throw wrong("cannot be read: \(error.localizedDescription)")
    }
    guard data.count <= largestFile else { throw wrong("\(data.count) bytes are too many for a config") }
    guard let text = String(validating: data, as: UTF8.self) else { throw wrong("not UTF-8 text") }
    return text
  }
}

extension DaemonSettings {
  mutating func read(_ root: ConfigSection) {
    let security = SecurityReading(root)
    SourceReading.read(root, security, &pipeline.ingest)
    root.section("publish") { readPublish($0, security) }
    root.section("control") {
      $0.text("endpoint", &pipeline.control.endpoint)
      Self.checkEndpoints($0, "endpoint", [pipeline.control.endpoint])
      security.readServer($0, &pipeline.control.security)
    }
    var adaptivity = Adaptivity.normal
    root.section("detection") { DetectionReading.read($0, &pipeline.detection, &adaptivity) }
    DetectionReading.readExceptions(root, pipeline.detection, &pipeline.exceptions)
    GateReading.read(root, &pipeline.pipeline.gates)
    MaintenanceReading.read(root, &pipeline.pipeline.maintenance)
    root.section("retrain") {
      DetectionReading.readRetraining($0, &pipeline.detection, &pipeline.pipeline.retrain)
    }
    root.section("pipeline") { readPipeline($0) }
    root.section("state") {
      $0.text("directory", &stateDirectory)
      if !stateDirectory.hasPrefix("/") { $0.report("directory", "has to be an absolute path") }
      $0.text("past_events", &pipeline.pipeline.keep.pastEvents, absence: "none")
      if pipeline.pipeline.keep.pastEvents?.hasPrefix("/") == false {
        $0.report("past_events", "has to be an absolute path")
      }
      $0.integer("snapshots", &pipeline.pipeline.keep.snapshots, 1...1000)
      $0.integer("alerts", &pipeline.pipeline.keep.alerts, 100...100_000_000)
      $0.duration("save_every", &pipeline.pipeline.keep.saveEvery, 1...86_400)
    }
    root.section("http") { Self.readHTTP($0, &http) }
    root.section("log") {
      $0.choice("level", &logLevel, Logger.Level.allCases.map { ($0.rawValue, $0) })
    }
    DetectionReading.check(root, pipeline.detection)
    // All other keys say what holds at `normal`.
    if adaptivity != .normal { adapt(to: adaptivity) }
    SourceReading.check(root, pipeline.ingest)
  }

  private mutating func adapt(to adaptivity: Adaptivity) {
    pipeline.detection = pipeline.detection.adapted(to: adaptivity)
    pipeline.pipeline.retrain.every = pipeline.detection.retraining.every
  }

  private mutating func readPublish(_ section: ConfigSection, _ security: SecurityReading) {
    section.texts("endpoints", &pipeline.pipeline.publish.endpoints)
    Self.checkEndpoints(section, "endpoints", pipeline.pipeline.publish.endpoints)
    section.flag("scores", &pipeline.pipeline.publish.scores)
    section.duration("metrics", &pipeline.pipeline.publish.metricsEvery, 0.1...86_400, absence: "none")
    section.text("dead_letter", &pipeline.ingest.deadLetterEndpoint, absence: "none")
    if let endpoint = pipeline.ingest.deadLetterEndpoint {
      Self.checkEndpoints(section, "dead_letter", [endpoint])
    }
    security.readServer(section, &pipeline.pipeline.publish.security)
    pipeline.ingest.deadLetterSecurity = pipeline.pipeline.publish.security
    section.integer("high_water_mark", &pipeline.pipeline.publish.highWaterMark, 1...100_000_000)
    section.duration("group_within", &pipeline.pipeline.publish.groupWithin, 0...86_400)
    section.integer("queue_messages", &pipeline.pipeline.publish.queueMessages, 16...100_000_000)
  }

  private static func readHTTP(_ section: ConfigSection, _ http: inout HTTPSettings) {
    var listen = http.listen.map(\.description)
    section.text("listen", &listen, absence: "none")
    http.listen = listen.flatMap(HTTPAddress.init)
    if let listen, http.listen == nil {
      section.report(
        "listen", "\"\(listen.prefix(80))\" is not of the form 127.0.0.1:5561, [::1]:5561 or none")
    }
    section.texts("hosts", &http.hosts)
  }

  private mutating func readPipeline(_ section: ConfigSection) {
    section.integer("shards", &pipeline.pipeline.shards, 1...256)
    section.integer("queue_batches", &pipeline.pipeline.queueBatches, 2...65_536)
    section.integer("flush_events", &pipeline.ingest.flushEvents, 1...65_536)
    var interval = Double(pipeline.ingest.flushInterval) / 1000
    section.duration("flush_interval", &interval, 0.001...10)
    pipeline.ingest.flushInterval = Int((interval * 1000).rounded())
    section.moment("earliest_timestamp", &pipeline.ingest.earliestTimestamp)
    section.duration("latest_ahead", &pipeline.ingest.latestAhead, 0...31_536_000)
  }

  static func checkEndpoints(_ section: ConfigSection, _ key: String, _ endpoints: [String]) {
    for endpoint in endpoints where !["tcp://", "ipc://"].contains(where: endpoint.hasPrefix) {
      section.report(key, "\"\(endpoint.prefix(80))\" is not of the form tcp://HOST:PORT or ipc://PATH")
    }
  }
}
