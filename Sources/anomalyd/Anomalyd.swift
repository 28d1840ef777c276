import ArgumentParser
import Control
import Dashboard
import Foundation
import Logging
import Pipeline
import ServiceLifecycle
import Settings
import Systemd
import Tensors
import UnixSignals

/// The daemon: reads its config, starts the pipeline, tells the service manager, and ends in order.
@main
struct Anomalyd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anomalyd",
    abstract: "Finds anomalies in metric events from ZeroMQ, and publishes explained alerts.",
    discussion: """
      SIGHUP reads the config again (applied as a whole or refused as a whole); SIGTERM scores what has come in, \
      saves everything and ends. Exit codes: 64 usage, 69 an endpoint or the state directory is in use, 78 config.
      """,
    version: "anomalyd \(Release.version)")

  @Option(help: ArgumentHelp("The config file; without it the built-in defaults run.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("The state directory; overrides state.directory.", valueName: "directory"))
  var state: String?

  @Flag(help: "Only check the config: print every mistake, start nothing.")
  var check = false

  /// The matrix library chooses its kernel when it is loaded, so a better one means starting again, before any work.
  static func main() async {
    Processor.restartWithFasterKernel()
    Processor.giveMemoryBack()
    await main(nil)
  }

  mutating func run() async throws {
    let settings = try read()
    if check {
      print("\(config ?? "the built-in defaults"): no mistakes")
      return
    }
    let threshold = LogThreshold(settings.logLevel)
    LoggingSystem.bootstrap { ServiceLog.handler(label: $0, threshold: threshold) }
    let log = Logger(label: "anomalyd")
    log.info(
      "starting",
      metadata: [
        "version": "\(Release.version)", "kernel": "\(Processor.summary)",
        "config": "\(config ?? "built-in defaults")",
      ])
    let pipeline = try start(settings, log, threshold)
    let service = DaemonService(
      pipeline: pipeline, dashboard: dashboard(settings, pipeline, log), notifier: ServiceNotifier(),
      log: log,
      drainSeconds: 20)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: service)], gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
    do {
      try await group.run()
    } catch {
      Self.complain("stopped: \(error)")
      throw ExitCode(EX_SOFTWARE)
    }
  }

  private func start(_ settings: DaemonSettings, _ log: Logger, _ threshold: LogThreshold) throws
    -> AnomalyPipeline
  {
    do {
      return try AnomalyPipeline(
        settings.pipeline,
        PipelineSurroundings(
          version: Release.version, state: state ?? settings.stateDirectory, configPath: config,
          entropy: UInt64.random(in: .min ... .max), log: log,
          reread: { [config, http = settings.http] in
            let settings = try Self.load(config).settings
            guard settings.http == http else { throw NeedsRestart(section: "http") }
            threshold.level = settings.logLevel
            return settings.pipeline
          },
          check: { [http = settings.http] file, text in
            do throws(ConfigError) {
              let settings = try DaemonSettings.parse(text, file: file, environment: Self.environment)
                .settings
              return .valid(settings.pipeline, needsRestart: settings.http == http ? [] : ["http"])
            } catch {
              return .mistakes(error.problems.map { "\($0)" })
            }
          }))
    } catch {
      Self.complain("cannot start: \(error)")
      throw ExitCode(EX_UNAVAILABLE)
    }
  }

  /// Nil when it is off; without a token there is nothing to keep strangers from changing things, and so none either.
  private func dashboard(_ settings: DaemonSettings, _ pipeline: AnomalyPipeline, _ log: Logger)
    -> DashboardHost?
  {
    guard let address = settings.http.listen else { return nil }
    do throws(Failure) {
      let token = try Token.keep(at: "\(state ?? settings.stateDirectory)/token") {
        UInt64.random(in: .min ... .max)
      }
      return DashboardHost(settings.http, at: address, token: token, pipeline, log)
    } catch {
      log.error("no dashboard: \(error)")
      return nil
    }
  }

  struct NeedsRestart: Error, CustomStringConvertible {
    var section: String
    var description: String { "\(section) can only change with a restart" }
  }

  /// Every mistake in the config is a line of its own on standard error.
  private func read() throws -> DaemonSettings {
    do throws(ConfigError) {
      let (settings, remarks) = try Self.load(config)
      for remark in remarks { Self.complain(remark) }
      return settings
    } catch {
      for problem in error.problems { Self.complain("\(problem)") }
      throw ExitCode(EX_CONFIG)
    }
  }

  private static var environment: [String: String] { ProcessInfo.processInfo.environment }

  private static func load(_ file: String?) throws(ConfigError) -> (
    settings: DaemonSettings, remarks: [String]
  ) {
    guard let file else { return try DaemonSettings.parse("", file: "defaults", environment: environment) }
    return try DaemonSettings.load(file: file, environment: environment)
  }

  static func complain(_ line: String) {
    FileHandle.standardError.write(Data("anomalyd: \(line)\n".utf8))
  }
}
