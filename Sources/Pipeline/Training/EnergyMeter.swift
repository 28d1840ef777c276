import Foundation

/// What the processors' packages used, by the counters that the kernel shows under /sys/class/powercap (RAPL).
///
/// Joules of whole packages, whoever used them. There is none on machines without such counters, as most virtual ones are, nor
/// for a process that may not read them (the kernel shows them to root only, unless an administrator changes that).
struct EnergyMeter: Sendable {
  private struct Zone: Sendable {
    let counter: URL
    /// At which the counter begins anew, microjoules.
    let range: UInt64
    var last: UInt64
  }

  private var zones: [Zone]
  private let processors: Double

  /// nil when nothing can be read.
  ///
  /// - Parameter processors: how many share the packages.
  init?(folder: URL = URL(filePath: "/sys/class/powercap"), processors: Int) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    self.processors = Double(max(1, processors))
    // Only whole packages: intel-rapl:0, not the parts of one, intel-rapl:0:1, whose joules are among its own.
    zones = names.sorted().filter { $0.wholeMatch(of: /[a-z]+-rapl:\d+/) != nil }.compactMap { name in
      let zone = folder.appending(path: name)
      guard let last = Self.read(zone.appending(path: "energy_uj")) else { return nil }
      return Zone(
        counter: zone.appending(path: "energy_uj"),
        range: Self.read(zone.appending(path: "max_energy_range_uj")) ?? .max, last: last)
    }
    if zones.isEmpty { return nil }
  }

  /// Joules since the last call that are put down to a thread: as large a share of all as it had of the processors' time.
  ///
  /// At least what it caused: what idle processors used is not put down to anybody.
  mutating func joules(processorSeconds: Double, elapsed: Double) -> Double {
    var all = 0.0
    for index in zones.indices {
      guard let now = Self.read(zones[index].counter) else { continue }
      let last = zones[index].last
      all += Double(now >= last ? now - last : zones[index].range - last + now) * 1e-6
      zones[index].last = now
    }
    guard elapsed > 0 else { return 0 }
    return all * min(1, processorSeconds / (elapsed * processors))
  }

  private static func read(_ file: URL) -> UInt64? {
    (try? String(contentsOf: file, encoding: .utf8)).flatMap {
      UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }
}
