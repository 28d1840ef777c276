import Foundation
import Testing

/// `anomalylab` ended from outside while a daemon of its own runs.
@Suite struct InterruptionTests {
  @Test func `a benchmark that is ended by SIGTERM leaves neither its daemon nor its folder behind`() throws {
    try Programs.withFolder { folder in
      let bench = try Running(
        "anomalylab", ["bench", "memory", "--set", "streams=1"], environment: ["TMPDIR": folder.path],
        folder: folder)
      defer { bench.stop() }
      func stateFolders() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
          $0.hasPrefix("anomalylab-")
        }
      }
      let end = Date().addingTimeInterval(30)
      var daemon: Int32?
      while daemon == nil, bench.isRunning, Date() < end {
        Thread.sleep(forTimeInterval: 0.02)
        // It has a state folder once it is up.
        let isUp = try stateFolders().contains {
          FileManager.default.fileExists(atPath: folder.appending(path: $0 + "/state").path)
        }
        if isUp { daemon = children(of: bench.processIdentifier).first }
      }
      let child = try #require(daemon, "\(bench.errors)")
      defer { _ = Foundation.kill(child, SIGKILL) }
      bench.signal(SIGTERM)
      #expect(bench.wait(seconds: 20))
      #expect(bench.status == 128 + SIGTERM)
      #expect(Foundation.kill(child, 0) != 0)
      #expect(try stateFolders() == [])
    }
  }

  /// Process ids of the programs that `parent` started and that still run.
  private func children(of parent: Int32) -> [Int32] {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.compactMap { Int32($0) }.filter {
      guard let stat = try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8),
        // The name is in brackets and may hold anything; state and parent follow it.
        let after = stat.lastIndex(of: ")")
      else { return false }
      let fields = stat[after...].split(separator: " ")
      return fields.count > 2 && fields[1] != "Z" && fields[2] == "\(parent)"
    }
  }
}
