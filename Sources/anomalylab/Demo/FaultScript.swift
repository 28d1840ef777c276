import Control
import Foundation

/// Faults one after the other, with quiet between them, after a normal beginning.
struct FaultPlan: Sendable {
  struct Entry: Sendable {
    let cause: Cause
    /// Seconds after the beginning.
    let start: Double
    let end: Double
  }
  let entries: [Entry]
  /// Seconds from the beginning to the end of the last quiet.
  let length: Double

  init(causes: [Cause], normal: Double, fault: Double, quiet: Double) {
    entries = causes.enumerated().map { index, cause in
      let start = normal + Double(index) * (fault + quiet)
      return Entry(cause: cause, start: start, end: start + fault)
    }
    length = normal + Double(causes.count) * (fault + quiet)
  }
}

/// One fault as it really happened: seconds since 1970.
struct CausedFault: Sendable, Equatable {
  let name: String
  let start: Double
  let end: Double
  /// The metrics that it moves directly.
  let metrics: [String]

  static let header = "fault,start,end,metrics"
  var csv: String {
    "\(name),\(MachineRow.cell(start)),\(MachineRow.cell(end)),\(metrics.joined(separator: " "))"
  }

  /// Reads a file of faults.
  ///
  /// - Throws: ``Failure`` for a file that is none.
  static func read(_ path: String) throws -> [CausedFault] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Failure(
        .input, what: path, why: "cannot be read", remedy: "name the folder of a recording with --recording")
    }
    return try text.split(separator: "\n").dropFirst().map { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == 4, let start = Double(cells[1]), let end = Double(cells[2]), start < end else {
        throw Failure(.data, what: path, why: "\"\(line)\" is no fault", remedy: "write \(header)")
      }
      return CausedFault(
        name: String(cells[0]), start: start, end: end,
        metrics: cells[3].split(separator: " ").map(String.init))
    }
  }
}

/// Starts and ends the faults of a plan at their times, each in a process of its own.
final class FaultRunner {
  private let plan: FaultPlan
  private let folder: URL
  private var running: [(cause: Cause, process: Process, start: Double)] = []
  private var next = 0
  private var ordinary: Process?
  private(set) var caused: [CausedFault] = []

  /// Begins the ordinary work; it lasts at most for `longest` seconds.
  init(plan: FaultPlan, longest: Double) throws {
    self.plan = plan
    // Not in /tmp, which may lie in memory: a disk fault must reach the disk.
    folder = URL(filePath: "/var/tmp/anomalylab-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    ordinary = try Self.start(.ordinary, seconds: longest, folder: folder)
  }

  /// Whether a fault is being caused now.
  var current: Cause? { running.first?.cause }

  /// Does what is due at `elapsed` seconds after the beginning; `now` is the same moment since 1970.
  func advance(elapsed: Double, now: Double) throws {
    for entry in running where !entry.process.isRunning { finish(entry.cause, now) }
    guard next < plan.entries.count, elapsed >= plan.entries[next].start else { return }
    let entry = plan.entries[next]
    next += 1
    let process = try Self.start(entry.cause, seconds: entry.end - entry.start, folder: folder)
    running.append((entry.cause, process, now))
  }

  private func finish(_ cause: Cause, _ now: Double) {
    guard let index = running.firstIndex(where: { $0.cause == cause }) else { return }
    let entry = running.remove(at: index)
    caused.append(CausedFault(name: cause.rawValue, start: entry.start, end: now, metrics: cause.metrics))
  }

  /// Ends everything that still runs and removes what was written.
  func stop() {
    for entry in running { entry.process.terminate() }
    ordinary?.terminate()
    for process in running.map(\.process) + [ordinary].compactMap(\.self) { process.waitUntilExit() }
    for entry in running { finish(entry.cause, Date().timeIntervalSince1970) }
    try? FileManager.default.removeItem(at: folder)
  }

  private static func start(_ cause: Cause, seconds: Double, folder: URL) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["cause", cause.rawValue, "--span", "\(seconds)", "--folder", folder.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw Failure(
        .software, what: "fault \(cause.rawValue)",
        why: "could not be started (\(error.localizedDescription))",
        remedy: "is the machine out of processes or memory?")
    }
    return process
  }
}
