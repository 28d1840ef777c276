import Foundation
import Testing

/// `anomalylab demo` with a true daemon, on a small made-up recording whose faults are known.
@Suite struct DemoTests {
  /// 80 s at ten rows a second; during each of `faults`, 4 s long, a metric is far from what it was.
  func record(_ folder: URL, faults: [(name: String, metric: String, start: Double)], happening: Bool = true)
    throws
  {
    var random = Xorshift(state: 42)
    var rows = ["ts,cpu.user,mem.used,net.lo.rx,disk.write,label"]
    for index in 0..<800 {
      let time = Double(index) / 10
      var values = [
        "cpu.user": 0.2 + 0.03 * random.normal(), "mem.used": 600 + 5 * random.normal(),
        "net.lo.rx": 1 + 0.2 * random.normal(), "disk.write": 2 + 0.4 * random.normal(),
      ]
      for fault in faults where happening && time >= fault.start && time < fault.start + 4 {
        values[fault.metric, default: 0] *= 20
      }
      let cells = ["cpu.user", "mem.used", "net.lo.rx", "disk.write"].map { "\(values[$0] ?? 0)" }
      rows.append("\(1_700_000_000 + time),\(cells.joined(separator: ",")),0")
    }
    let csv = folder.appending(path: "recording.csv")
    try (rows.joined(separator: "\n") + "\n").write(to: csv, atomically: true, encoding: .utf8)
    let gzip = Process()
    gzip.executableURL = URL(filePath: "/usr/bin/env")
    gzip.arguments = ["gzip", csv.path]
    try gzip.run()
    gzip.waitUntilExit()
    let lines = faults.map {
      "\($0.name),\(1_700_000_000 + $0.start),\(1_700_000_004 + $0.start),\($0.metric)"
    }
    try (["fault,start,end,metrics"] + lines).joined(separator: "\n")
      .write(to: folder.appending(path: "faults.csv"), atomically: true, encoding: .utf8)
  }

  func demo(_ folder: URL, _ arguments: [String] = []) throws -> Programs.Ended {
    let config = folder.appending(path: "quick.yaml")
    try """
    sources:
      - name: events
        bind: [tcp://127.0.0.1:5559]
    detection:
      collecting: {rows: 256}
      calibration: {fresh_rows: 32}
    """.write(to: config, atomically: true, encoding: .utf8)
    return try Programs.run(
      "anomalylab",
      ["demo", "--recording", folder.path, "--config", config.path, "--speed", "10"] + arguments, seconds: 120
    )
  }

  @Test func `faults that really lie in a recording are found, explained and told apart, and it ends with 0`()
    throws
  {
    try Programs.withFolder { folder in
      try record(folder, faults: [("memory-leak", "mem.used", 50), ("loopback-flood", "net.lo.rx", 65)])
      let ended = try demo(folder)
      #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
      #expect(ended.output.contains("2 of 2 faults found, 2 explained by a metric of theirs"))
      #expect(ended.output.contains("▼ memory-leak") && !ended.output.contains("\u{1B}"))
    }
  }

  @Test func `a fault that is not found ends it with 1`() throws {
    try Programs.withFolder { folder in
      try record(folder, faults: [("memory-leak", "mem.used", 50)], happening: false)
      let ended = try demo(folder)
      #expect(ended.status == 1, "\(ended.output)\n\(ended.errors)")
      #expect(ended.output.contains("0 of 1 faults found"))
    }
  }

  static let packaged = URL(filePath: TestDaemon.packagedConfig).deletingLastPathComponent().appending(
    path: "demo")

  @Test(.enabled(if: FileManager.default.fileExists(atPath: packaged.appending(path: "faults.csv").path)))
  func
    `the packaged recording's faults are all found and rightly explained, with at most one incident besides`()
    throws
  {
    let ended = try Programs.run(
      "anomalylab", ["demo", "--recording", Self.packaged.path, "--speed", "60"], seconds: 300)
    #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
  }

  @Test func `without a recording or with a wrong config it says so`() throws {
    try Programs.withFolder { folder in
      let none = try demo(folder)
      #expect(none.status == 66 && none.errors.contains("recording.csv.gz"), "\(none.errors)")
      try record(folder, faults: [("memory-leak", "mem.used", 50)])
      let wrong = folder.appending(path: "wrong.yaml").path
      try "sourcs: []\n".write(toFile: wrong, atomically: true, encoding: .utf8)
      let refused = try Programs.run("anomalylab", ["demo", "--recording", folder.path, "--config", wrong])
      #expect(refused.status == 69 && refused.errors.contains("sources"), "\(refused.errors)")
    }
  }
}
