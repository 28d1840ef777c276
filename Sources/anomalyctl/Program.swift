import ArgumentParser
import Control
import Foundation
import Messaging

/// `anomalyctl`: looks inside a running anomalyd and steers it.
@main struct Program {
  static func main() {
    do {
      var command = try Anomalyctl.parseAsRoot(moved(CommandLine.arguments.dropFirst()))
      try command.run()
    } catch let failure as Failure {
      fail(failure.description, failure.kind.exitCode)
    } catch {
      end(error)
    }
  }

  /// Options before the command's name mean the same as after it.
  static func moved(_ arguments: ArraySlice<String>) -> [String] {
    var before: [String] = []
    var rest = arguments
    while let first = rest.first, first.hasPrefix("-") {
      guard
        ["--socket", "--timeout", "--json", "--key", "--server-key"].contains(where: {
          first == $0 || first.hasPrefix($0 + "=")
        })
      else { break }
      before.append(rest.removeFirst())
      if first != "--json", !first.contains("="), let value = rest.popFirst() { before.append(value) }
    }
    guard let command = rest.popFirst() else { return before }
    return [command] + before + rest
  }

  /// Help goes to standard output; a usage mistake is one line on standard error.
  private static func end(_ error: any Error) -> Never {
    let code = Anomalyctl.exitCode(for: error)
    guard code == .validationFailure else { Anomalyctl.exit(withError: error) }
    let message = Anomalyctl.message(for: error).split(separator: "\n").joined(separator: " ")
    fail("usage: \(message): see anomalyctl --help", 64)
  }

  private static func fail(_ line: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data("anomalyctl: \(line.printable)\n".utf8))
    exit(code)
  }
}

struct Anomalyctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anomalyctl",
    abstract: "Looks inside a running anomalyd and steers it.",
    discussion: """
      Every command takes --json for scripts, and --socket ENDPOINT (or ANOMALYD_SOCKET) for a daemon elsewhere.
      Exit codes are those of sysexits(3): 64 usage, 65 no such thing, 69 no daemon, 77 not allowed, 78 bad config.
      """,
    version: Release.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Look",
        subcommands: [
          StatusCommand.self, StreamsCommand.self, StreamCommand.self, WatchCommand.self, DoctorCommand.self,
          PowerCommand.self, DriftCommand.self, ForecastCommand.self,
        ]),
      CommandGroup(
        name: "Incidents",
        subcommands: [
          AlertsCommand.self, ExplainCommand.self, AckCommand.self, SilenceCommand.self,
          UnsilenceCommand.self, LabelCommand.self, UndoCommand.self, ForgetCommand.self, AuditCommand.self,
        ]),
      CommandGroup(
        name: "Models",
        subcommands: [
          ModelsCommand.self, SnapshotsCommand.self, RetrainCommand.self, RevertCommand.self,
          PromoteCommand.self, RetainCommand.self, SampleCommand.self,
        ]),
      CommandGroup(
        name: "Configuration",
        subcommands: [ReloadCommand.self, CheckCommand.self, KeygenCommand.self]),
    ])
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the daemon listens.", discussion: "Default: ANOMALYD_SOCKET, else \(ControlEndpoint.standard).",
      valueName: "endpoint"))
  var socket: String?

  @Option(help: ArgumentHelp("Seconds to wait for an answer.", valueName: "seconds"))
  var timeout: Double = 10

  @Option(
    help: ArgumentHelp(
      "Of a daemon that asks for keys: the file with one's own secret key.", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp("Of a daemon that asks for keys: the file with its public key.", valueName: "file"))
  var serverKey: String?

  @Flag(help: "Print the answer as JSON.")
  var json = false

  func validate() throws {
    guard timeout > 0, timeout <= 86400 else {
      throw ValidationError("--timeout must be more than 0 and at most 86400")
    }
    guard (key == nil) == (serverKey == nil) else {
      throw ValidationError(
        "--key and --server-key go together: one's own secret key and the daemon's public one")
    }
  }

  /// - Throws: ``Failure`` of kind `input` when a key file holds none.
  func security() throws(Failure) -> SocketSecurity {
    guard let key, let serverKey else { return .none }
    func none(_ file: String, _ what: String) -> Failure {
      Failure(
        .input, what: file, why: "it holds no \(what) key that can be read",
        remedy: "see anomalyctl keygen --help")
    }
    guard let keys = AllowedKeys.read(key)?.secretKey.flatMap(CurveKeys.init(secretKey:)) else {
      throw none(key, "secret")
    }
    guard let server = AllowedKeys.read(serverKey) else { throw none(serverKey, "public") }
    return .client(keys, serverKey: server.publicKey)
  }

  func client() throws(Failure) -> ControlClient {
    let given = ProcessInfo.processInfo.environment["ANOMALYD_SOCKET"]
    return ControlClient(
      endpoint: socket ?? given.flatMap { $0.isEmpty ? nil : $0 } ?? ControlEndpoint.standard,
      timeout: timeout, security: try security())
  }
}

/// One command: one request, and the answer as text.
protocol ControlCommand: ParsableCommand {
  var common: CommonOptions { get }
  func request() throws -> ControlRequest
  /// The answer for a person; `now` is the time of asking, seconds since 1970.
  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String
  /// The code to end with once the answer was printed.
  func exitCode(_ reply: ControlReply) -> Int32
}

extension ControlCommand {
  func exitCode(_ reply: ControlReply) -> Int32 { 0 }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .done(let done) = reply else { throw unexpected(reply) }
    return done.what.printable + "\n"
  }

  func run() throws {
    let reply = try common.client().ask(request())
    if common.json {
      Output.write(try ControlCoding.json(reply.body) + "\n")
    } else {
      Output.write(try text(reply, Output.style, now: Date().timeIntervalSince1970))
    }
    let code = exitCode(reply)
    if code != 0 { throw ExitCode(code) }
  }

  func unexpected(_ reply: ControlReply) -> Failure {
    Failure(
      .protocol, what: "reply", why: "the daemon answered with \(reply.kind)",
      remedy: "use programs of one version")
  }
}

/// Standard output.
enum Output {
  /// With colour only on a terminal, and not when NO_COLOR asks for none (no-color.org).
  static let style: TextStyle = {
    let environment = ProcessInfo.processInfo.environment
    let isUnwanted = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return TextStyle(isColoured: isTerminal && !isUnwanted && environment["TERM"] != "dumb")
  }()

  static let isTerminal = isatty(STDOUT_FILENO) == 1

  static func write(_ text: String) {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      // Whoever read has left (`| head`): there is nobody to write to.
      exit(0)
    }
  }
}
