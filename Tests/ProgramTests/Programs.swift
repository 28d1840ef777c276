import Foundation
import Testing

/// The true programs as built, beside the test bundle.
enum Programs {
  struct Ended {
    let status: Int32
    let output: String
    let errors: String

    var lines: [Substring] { output.split(separator: "\n") }

    /// The output as one JSON object.
    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
  }

  /// One of ours by its name, another program by its path.
  static func path(_ name: String) -> URL {
    if name.hasPrefix("/") { return URL(filePath: name) }
    return builtFolder.appending(path: name)
  }

  private static var builtFolder: URL {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  }

  /// Runs a program to its end; one that takes longer than `seconds` is ended, with status -1.
  static func run(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], seconds: Double = 30
  ) throws -> Ended {
    try withFolder { folder in
      let running = try Running(name, arguments, environment: environment, folder: folder)
      let ended = running.wait(seconds: seconds)
      if !ended { running.stop() }
      return Ended(
        status: ended ? running.status : -1, output: running.output, errors: running.errors)
    }
  }

  /// A folder of its own, gone afterwards.
  static func withFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "programs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}

/// A program that runs, its output going to files.
final class Running {
  private let process = Process()
  private let outputFile: URL
  private let errorFile: URL

  init(_ name: String, _ arguments: [String], environment: [String: String] = [:], folder: URL) throws {
    let id = UUID().uuidString
    outputFile = folder.appending(path: "\(id).out")
    errorFile = folder.appending(path: "\(id).err")
    for file in [outputFile, errorFile] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    process.executableURL = Programs.path(name)
    process.arguments = arguments
    // Nothing that is set for a daemon outside may leak into it.
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ANOMALYD_") }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try Self.withSignalsOpen { try process.run() }
  }

  /// The threads of a test pool hold back signals, and what they start would inherit that: SIGTERM would be lost on it.
  private static func withSignalsOpen(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
  }

  // A test that failed half-way leaves nothing running.
  deinit { if process.isRunning { kill() } }

  var status: Int32 {
    process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }
  var isRunning: Bool { process.isRunning }
  var processIdentifier: Int32 { process.processIdentifier }
  func signal(_ number: Int32) { _ = Foundation.kill(process.processIdentifier, number) }
  var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
  var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// True when it ended by itself in time.
  func wait(seconds: Double) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
    return !process.isRunning
  }

  /// Asks it to end, and makes it end when it does not.
  func stop() {
    process.terminate()
    if !wait(seconds: 20) { kill() }
    process.waitUntilExit()
  }

  /// Ends it without a chance to do anything.
  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
