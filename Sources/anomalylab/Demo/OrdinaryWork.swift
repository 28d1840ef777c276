import Control
import Foundation

/// The work of a machine in ordinary use, so that "normal" is alive: a small service whose load comes and goes within
/// seconds.
///
/// With its load rise and fall packets on loopback, computing, memory held and given back, a log that is written and now
/// and then forced to the disk, files read, and short jobs of other programs. On the average it uses about a twentieth of a
/// core and 100 MiB.
struct OrdinaryWork {
  let folder: String
  private var random = SplitMix(seed: 20_261_122)
  /// 0.1 idle … 1 usual … 3 busy.
  private var load = 1.0
  /// What the service remembers, in blocks of 1 to 4 MiB.
  private var held: [[UInt8]] = []
  private var beat = 0

  init(folder: String) { self.folder = folder }

  mutating func run(until end: Deadline) throws {
    let path = folder + "/anomalylab-\(ProcessInfo.processInfo.processIdentifier)-ordinary"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    guard let log = FileHandle(forWritingAtPath: path) else {
      throw Failure(
        .output, what: path, why: "cannot be created", remedy: "name another folder with --folder")
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    var socket = try LoopbackSocket(payload: 200)
    while !end.isOver {
      beat += 1
      change()
      for _ in 0..<Int(load * Double.random(in: 5...20, using: &random)) { socket.sendAndReceive() }
      Self.compute(until: Deadline(after: load * Double.random(in: 0.002...0.012, using: &random)))
      remember()
      if beat % 4 == 0 { read() }
      try write(log)
      if Double.random(in: 0..<1, using: &random) < 0.01 * load { try job() }
      end.sleep(atMost: Double.random(in: 0.08...0.16, using: &random))
    }
  }

  /// A first-order walk of the load's logarithm around 0 that forgets within about four seconds.
  private mutating func change() {
    let kick = (0..<4).reduce(0.0) { sum, _ in sum + Double.random(in: -0.25...0.25, using: &random) }
    load = min(max(exp(0.97 * log(load) + 0.45 * kick), 0.1), 3)
  }

  /// Holds more when there is more to do, and gives back what is too much; something is exchanged at every beat.
  private mutating func remember() {
    let wanted = Int(30 + 20 * load)
    if !held.isEmpty { held.remove(at: Int.random(in: 0..<held.count, using: &random)) }
    for _ in 0..<3 where held.count < wanted {
      let size = Int.random(in: 1...4, using: &random) << 20
      held.append([UInt8](repeating: UInt8(truncatingIfNeeded: beat | 1), count: size))
    }
    if held.count > wanted { held.removeLast() }
  }

  private mutating func read() {
    let folder = ["/usr/share/doc", "/etc", "/usr/include"][Int.random(in: 0..<3, using: &random)]
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).prefix(20)
    for name in names {
      let path = folder + "/" + name
      let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
      if size > 0, size < 1 << 20 { _ = FileManager.default.contents(atPath: path)?.count }
    }
  }

  /// The log grows to a few MiB, is forced to the disk every few seconds, and begins anew.
  private mutating func write(_ log: FileHandle) throws {
    let size = Int(load * Double.random(in: 5_000...60_000, using: &random))
    try log.write(contentsOf: Data(repeating: UInt8(truncatingIfNeeded: size), count: size))
    if Double.random(in: 0..<1, using: &random) < 0.08 * load { try log.synchronize() }
    if try log.offset() > 8 << 20 { try log.truncate(atOffset: 0) }
  }

  private mutating func job() throws {
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/ls")
      process.arguments = ["-lR", "/etc"]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
    }
  }

  /// Keeps one core busy until then.
  static func compute(until end: Deadline) {
    var state = SplitMix(seed: 1)
    var sum: UInt64 = 0
    while !end.isOver { for _ in 0..<10_000 { sum &+= state.next() } }
    if sum == 42 { Output.line("\(sum)") }
  }
}

/// A small seeded generator for jitter (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
