import Control
import Foundation

/// A true `anomalyd`, the one beside this program, in a temporary folder of its own: state, control socket, log.
final class LabDaemon {
  let folder: URL
  let client: ControlClient
  private let process = Process()
  private let logFile: URL

  /// Starts it; it is ready when ``waitUntilReady(seconds:)`` returns.
  ///
  /// - Parameters:
  ///   - config: the config file; nil for the packaged one.
  ///   - overrides: environment variables as `ANOMALYD_SECTION_KEY`, on top of those for folder and sockets.
  ///   - folder: where it keeps its state; one that is kept makes a restart possible.
  /// - Throws: ``Failure`` when there is no such program or config.
  init(config: String? = nil, overrides: [String: String] = [:], folder: URL? = nil) throws {
    let program = Self.beside("anomalyd")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      throw Failure(
        .unavailable, what: program.path, why: "there is no anomalyd beside this program",
        remedy: "build it: swift build -c release --product anomalyd")
    }
    self.folder = try folder ?? Self.temporaryFolder()
    logFile = self.folder.appending(path: "anomalyd.log")
    client = ControlClient(endpoint: "ipc://" + self.folder.appending(path: "control.sock").path, timeout: 10)
    if !FileManager.default.fileExists(atPath: logFile.path) {
      _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
    }
    let log = try FileHandle(forWritingTo: logFile)
    try log.seekToEnd()
    // Nothing of this shell or service may leak into it.
    var environment = ProcessInfo.processInfo.environment.filter {
      !$0.key.hasPrefix("ANOMALYD_")
        && !["NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM"].contains($0.key)
    }
    environment["ANOMALYD_CONTROL_ENDPOINT"] = client.endpoint
    environment["ANOMALYD_HTTP_LISTEN"] = "none"
    environment["ANOMALYD_PUBLISH_ENDPOINTS"] = "tcp://127.0.0.1:*"
    process.executableURL = program
    process.arguments = [
      "--config", try config ?? Self.packaged("config/anomalyd.yaml"), "--state",
      self.folder.appending(path: "state").path,
    ]
    process.environment = environment.merging(overrides) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = log
    process.standardError = log
    do {
      try process.run()
    } catch {
      throw Failure(
        .unavailable, what: program.path, why: "cannot be started (\(error.localizedDescription))",
        remedy: "check its rights")
    }
    Interruption.undo(process.processIdentifier) {
      [child = process.processIdentifier, folder = self.folder] in
      Foundation.kill(child, SIGKILL)
      // Until it is gone it may still write into its folder.
      let end = Deadline(after: 2)
      while Foundation.kill(child, 0) == 0, !end.sleep(atMost: 0.01) {}
      // The main thread may be removing it too, and each gives up where the other was first.
      let removed = Deadline(after: 10)
      repeat {
        try? FileManager.default.removeItem(at: folder)
      } while FileManager.default.fileExists(atPath: folder.path) && !removed.sleep(atMost: 0.01)
    }
  }

  var processIdentifier: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }

  /// What it logged, its last lines.
  func log(lines: Int = 5) -> String {
    let text = (try? String(contentsOf: logFile, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(lines).joined(separator: " | ")
  }

  /// Waits until it answers.
  ///
  /// - Throws: ``Failure`` when it ended or does not answer in time.
  @discardableResult
  func waitUntilReady(seconds: Double = 30) throws -> StatusReport {
    let end = Deadline(after: seconds)
    while true {
      guard process.isRunning else {
        throw Failure(
          .unavailable, what: "anomalyd", why: "ended with exit code \(process.terminationStatus)",
          remedy: log())
      }
      if let status = try? status() { return status }
      guard !end.sleep(atMost: 0.02) else {
        throw Failure(
          .unavailable, what: "anomalyd", why: "does not answer after \(Readable.span(seconds: seconds))",
          remedy: log())
      }
    }
  }

  func status() throws -> StatusReport {
    guard case .status(let status) = try client.ask(.status) else {
      throw Failure(
        .protocol, what: "status", why: "was answered with something else", remedy: "build all programs")
    }
    return status
  }

  /// The row of one stream; nil when it is not known yet.
  func stream(_ name: String) throws -> StreamSummary? {
    guard case .streams(let list) = try client.ask(.streams(StreamQuery(matching: name))) else { return nil }
    return list.rows.first { $0.name == name }
  }

  /// Asks it to end in order (SIGTERM), and makes it end when it does not; its exit code, nil when it had to be made to.
  @discardableResult
  func stop(seconds: Double = 30) -> Int32? {
    if process.isRunning { process.terminate() }
    let end = Deadline(after: seconds)
    while process.isRunning, !end.sleep(atMost: 0.02) {}
    guard process.isRunning else {
      Interruption.forget(process.processIdentifier)
      return process.terminationStatus
    }
    kill()
    return nil
  }

  /// Ends it at once, without a chance to save anything (SIGKILL).
  func kill() {
    if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    Interruption.forget(process.processIdentifier)
  }

  func removeFolder() { try? FileManager.default.removeItem(at: folder) }

  // MARK: where things are

  static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "anomalylab-\(ProcessInfo.processInfo.processIdentifier)-\(UInt16.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// A program that was built or installed together with this one.
  static func beside(_ name: String) -> URL {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(
      path: name)
  }

  /// A file of the package: in the folder of the sources, up from the build folder or from here, or as installed.
  static func packaged(_ path: String) throws -> String {
    var folders: [URL] = []
    for start in [beside("").standardizedFileURL, URL(filePath: FileManager.default.currentDirectoryPath)] {
      var folder = start
      while folder.path.count > 1 {
        folders.append(folder)
        folder.deleteLastPathComponent()
      }
    }
    let installed = [URL(filePath: "/etc/anomalyd/" + (path.split(separator: "/").last ?? ""))]
    let candidates = folders.map { $0.appending(path: path) } + installed
    guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw Failure(
        .input, what: path, why: "is neither above this program nor above this folder",
        remedy: "run it in the package's folder")
    }
    return found.path
  }
}
