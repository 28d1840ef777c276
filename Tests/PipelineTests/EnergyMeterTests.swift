import Foundation
import Testing

@testable import Pipeline

/// A folder such as the kernel shows where processors count their joules.
@Suite struct EnergyMeterTests {
  private func withCounters(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rapl-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (zone, value) in [
      ("intel-rapl:0", 1_000_000), ("intel-rapl:0:0", 500_000), ("intel-rapl:1", 262_000_000), ("dtpm", 7),
    ] {
      let path = folder.appending(path: zone)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
      try set(value, folder, zone)
      try "262143328850\n".write(
        to: path.appending(path: "max_energy_range_uj"), atomically: true, encoding: .utf8)
    }
    try body(folder)
  }

  private func set(_ microjoules: Int, _ folder: URL, _ zone: String) throws {
    try "\(microjoules)\n".write(
      to: folder.appending(path: "\(zone)/energy_uj"), atomically: true, encoding: .utf8)
  }

  @Test func `a thread is charged its share of the processors' time, and parts of a package count once`()
    throws
  {
    try withCounters { folder in
      var meter = try #require(EnergyMeter(folder: folder, processors: 4))
      try set(9_000_000, folder, "intel-rapl:0")
      try set(5_000_000, folder, "intel-rapl:0:0")
      try set(274_000_000, folder, "intel-rapl:1")
      // 8 J + 12 J, and one second of four processors for two seconds.
      #expect(abs(meter.joules(processorSeconds: 1, elapsed: 2) - 2.5) < 1e-9)
      #expect(meter.joules(processorSeconds: 1, elapsed: 2) == 0)
    }
  }

  @Test func `a counter that began anew has not gone back`() throws {
    try withCounters { folder in
      try set(262_143_000_000, folder, "intel-rapl:0")
      var meter = try #require(EnergyMeter(folder: folder, processors: 1))
      try set(671_150, folder, "intel-rapl:0")
      #expect(abs(meter.joules(processorSeconds: 1, elapsed: 1) - 1) < 1e-9)
    }
  }

  @Test func `where nothing counts there is no meter, and a counter that goes away adds nothing`() throws {
    #expect(EnergyMeter(folder: URL(filePath: "/nowhere"), processors: 2) == nil)
    try withCounters { folder in
      var meter = try #require(EnergyMeter(folder: folder, processors: 1))
      try FileManager.default.removeItem(at: folder.appending(path: "intel-rapl:0"))
      #expect(meter.joules(processorSeconds: 1, elapsed: 1) == 0)
    }
  }
}
