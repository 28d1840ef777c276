import Foundation

extension Benchmarks {
  /// How fast the workloads train, and beside PyTorch where a Python has it.
  static let train = Benchmark(
    name: "train", summary: "training speed of seven networks, beside PyTorch where Python has it",
    cases: TrainingWorkload.all.map(\.name)
  ) { run in
    let chosen = TrainingWorkload.all.filter { run.cases.isEmpty || run.cases.contains($0.name) }
    let peer = TrainingPeer()
    for workload in chosen {
      // In turn, and the middle one of the ratios: a machine that is shared changes its speed from second to second.
      let rounds = peer == nil ? 1 : 3
      var results: [TrainingResult] = []
      for _ in 0..<rounds {
        var result = TrainingMeasurement.measure(
          workload, threads: run.threads ?? 1, seconds: run.seconds ?? 4)
        result.peerPerSecond = try peer?.perSecond(
          workload.name, threads: result.threads, seconds: run.seconds ?? 4)
        results.append(result)
      }
      results.sort { ($0.ratio ?? 0) < ($1.ratio ?? 0) }
      let result = results[rounds / 2]
      Output.line(run.isJSON ? result.json : result.text)
    }
  }
}

/// PyTorch on the same workload, in a process of its own.
struct TrainingPeer {
  private static let script = "Tests/Peers/training_peer.py"
  private let python: String

  /// Nil where there is no peer: outside the folder of the sources, or when the Python named by `ANOMALYLAB_PYTHON` (or
  /// `python3`) has no torch.
  init?() {
    python = ProcessInfo.processInfo.environment["ANOMALYLAB_PYTHON"] ?? "python3"
    guard FileManager.default.fileExists(atPath: Self.script),
      let found = try? output("-c", "import importlib.util as u; print(u.find_spec('torch') is not None)"),
      String(decoding: found, as: UTF8.self).hasPrefix("True")
    else { return nil }
  }

  func perSecond(_ name: String, threads: Int, seconds: Double) throws -> Double? {
    struct Line: Decodable {
      let perSecond: Double
      enum CodingKeys: String, CodingKey { case perSecond = "per_s" }
    }
    let line = try output(Self.script, name, "--threads", "\(threads)", "--seconds", "\(seconds)")
    return try? JSONDecoder().decode(Line.self, from: line).perSecond
  }

  private func output(_ arguments: String...) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data
  }
}
