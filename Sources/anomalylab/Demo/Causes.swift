import Control
import Foundation

/// Something that really happens to this machine, for a bounded time, by a process of its own.
///
/// Every cause ends by itself at its deadline even when the process that started it is gone, keeps to the stated
/// bounds, and removes what it wrote.
enum Cause: String, CaseIterable, Sendable {
  /// A program that takes memory step by step and keeps it.
  case leak = "memory-leak"
  /// A flood of UDP packets on loopback.
  case flood = "loopback-flood"
  /// Files written and forced to the disk without a pause.
  case disk = "disk-writes"
  /// All cores busy.
  case load = "processor-load"
  /// Processes started one after the other without a pause.
  case forks = "fork-storm"
  /// No fault: the work of a machine in ordinary use.
  case ordinary = "ordinary-work"

  /// The faults of a recording, in this order: those that leave the longest trace in the load average come last.
  static let faults: [Cause] = [.leak, .flood, .disk, .load]

  /// The metrics of `record` that this moves directly; an explanation should name one of them.
  var metrics: [String] {
    switch self {
    case .leak: ["mem.used", "mem.anon", "page.faults"]
    case .flood: ["net.lo.rx", "net.lo.packets", "cpu.softirq"]
    case .disk: ["disk.write", "disk.writes", "disk.busy", "cpu.iowait", "procs.blocked", "mem.dirty"]
    case .load: ["cpu.user", "procs.running", "load.1"]
    case .forks: ["forks", "page.faults", "switches"]
    case .ordinary: []
    }
  }

  var summary: String {
    switch self {
    case .leak: "a program takes 1.5 GiB of memory in steps and keeps it"
    case .flood: "about 40,000 UDP packets of 512 bytes a second on loopback"
    case .disk: "files of 16 MiB written and forced to the disk, one after the other"
    case .load: "a busy thread for every core"
    case .forks: "about 150 short processes a second"
    case .ordinary: "a small service whose load comes and goes"
    }
  }

  /// Runs it in this process until the time is over.
  func run(seconds: Double, folder: String) throws {
    let end = Deadline(after: seconds)
    switch self {
    case .leak: Self.leak(until: end, seconds: seconds)
    case .flood: try Self.flood(until: end)
    case .disk: try Self.write(until: end, folder: folder)
    case .load: Self.load(until: end)
    case .forks: try Self.fork(until: end)
    case .ordinary:
      var work = OrdinaryWork(folder: folder)
      try work.run(until: end)
    }
  }

  private static func load(until end: Deadline) {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    DispatchQueue.concurrentPerform(iterations: cores) { _ in OrdinaryWork.compute(until: end) }
  }

  private static func leak(until end: Deadline, seconds: Double) {
    // At most 1.5 GiB, and never more than a third of what is available.
    let available = MachineMetrics.table(MachineMetrics.text("/proc/meminfo"))["MemAvailable"] ?? 0
    let limit = min(1536.0, available / 1024 / 3)
    let step = 32.0
    let steps = max(1, Int(limit / step))
    // Three quarters of the time to grow in, the rest to stay.
    let pause = seconds * 0.75 / Double(steps)
    var kept: [[UInt8]] = []
    for index in 0..<steps {
      kept.append([UInt8](repeating: UInt8(truncatingIfNeeded: index | 1), count: Int(step) << 20))
      guard !end.sleep(atMost: pause) else { break }
    }
    end.sleep()
    // Read once more at the end, so that nothing of it could be given back before.
    if kept.reduce(0, { $0 &+ Int($1[$1.count / 2]) }) == 0 { Output.line("nothing was kept") }
  }

  private static func flood(until end: Deadline) throws {
    var socket = try LoopbackSocket(payload: 512)
    while !end.isOver {
      for _ in 0..<200 { socket.sendAndReceive() }
      end.sleep(atMost: 0.004)
    }
  }

  private static func write(until end: Deadline, folder: String) throws {
    let chunk = Data(repeating: 0x5A, count: 1 << 20)
    let paths = (0..<4).map { folder + "/anomalylab-\(ProcessInfo.processInfo.processIdentifier)-\($0)" }
    defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
    var index = 0
    while !end.isOver {
      let path = paths[index % paths.count]
      index += 1
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      guard let file = FileHandle(forWritingAtPath: path) else {
        throw Failure(
          .output, what: path, why: "cannot be created", remedy: "name another folder with --folder")
      }
      for _ in 0..<16 where !end.isOver {
        try file.write(contentsOf: chunk)
        try file.synchronize()
      }
      try file.close()
    }
  }

  private static func fork(until end: Deadline) throws {
    while !end.isOver {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/true")
      try process.run()
      process.waitUntilExit()
      end.sleep(atMost: 0.004)
    }
  }
}

/// The end of a span of time, by the clock that never jumps.
struct Deadline: Sendable {
  let instant: ContinuousClock.Instant

  init(after seconds: Double) { instant = .now + .seconds(seconds) }
  init(_ instant: ContinuousClock.Instant) { self.instant = instant }

  /// Seconds that are left; negative when it is over.
  var remaining: Double { ContinuousClock.now.duration(to: instant) / .seconds(1) }
  var isOver: Bool { remaining <= 0 }

  /// Sleeps until the end, or shorter; true when it is over.
  @discardableResult
  func sleep(atMost seconds: Double = .infinity) -> Bool {
    let span = min(remaining, seconds)
    if span > 0 { Thread.sleep(forTimeInterval: span) }
    return isOver
  }
}
