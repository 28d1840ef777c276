import Foundation

/// The small periodic work of a machine in ordinary use, so that "normal" is alive: every second a few packets on
/// loopback and a little computing; every few seconds some files read and a small one written; now and then a short job
/// of a few processes.
struct OrdinaryWork {
  let folder: String
  private var random = SplitMix(seed: 20_261_122)

  init(folder: String) { self.folder = folder }

  mutating func run(until end: Deadline) throws {
    let path = folder + "/anomalylab-\(ProcessInfo.processInfo.processIdentifier)-ordinary"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var socket = try LoopbackSocket(payload: 200)
    var beat = 0
    while !end.isOver {
      beat += 1
      for _ in 0..<Int.random(in: 5...40, using: &random) { socket.sendAndReceive() }
      Self.compute(until: Deadline(after: Double.random(in: 0.01...0.08, using: &random)))
      if beat % 3 == 0 { read() }
      if beat % 4 == 0 { try write(path) }
      if beat % 11 == 0 { try job() }
      end.sleep(atMost: Double.random(in: 0.5...1.0, using: &random))
    }
  }

  private mutating func read() {
    let folder = ["/usr/share/doc", "/etc", "/usr/include"][Int.random(in: 0..<3, using: &random)]
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).prefix(40)
    for name in names {
      let path = folder + "/" + name
      let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
      if size > 0, size < 1 << 20 { _ = FileManager.default.contents(atPath: path)?.count }
    }
  }

  private mutating func write(_ path: String) throws {
    let size = Int.random(in: 50_000...600_000, using: &random)
    try Data(repeating: UInt8(truncatingIfNeeded: size), count: size).write(to: URL(fileURLWithPath: path))
  }

  private mutating func job() throws {
    for _ in 0..<Int.random(in: 2...6, using: &random) {
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
