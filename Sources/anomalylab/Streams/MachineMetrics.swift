import Foundation

/// This machine's own metrics out of `/proc`: levels as they are, counters as rates per second.
///
/// The columns are fixed when it is made, so that every row means the same; a value that cannot be read is NaN.
struct MachineMetrics {
  /// What each column is, in the order of the values: name, unit and meaning.
  struct Column: Sendable, Equatable {
    let name: String
    let unit: String
    let meaning: String
  }

  let columns: [Column]
  /// The network interface of the default route, when there is one.
  let interface: String?
  private let hasSwap: Bool
  /// Readings of the last second, oldest first.
  private var past: [Reading] = []

  init() {
    interface = Self.defaultInterface(routes: Self.text("/proc/net/route"))
    hasSwap = (Self.table(Self.text("/proc/meminfo"))["SwapTotal"] ?? 0) > 0
    columns = Self.columns(interface: interface, hasSwap: hasSwap)
  }

  /// Rates are over the last ``span`` seconds, or over the time since the row before when that is longer: the kernel counts
  /// processor time in hundredths of a second, too coarse for the time between two rows of many a second.
  static let span = 1.0

  /// One row; the first has no rates (NaN).
  mutating func row() -> [Double] {
    let now = Reading(interface: interface)
    // The latest one that is old enough; those before it are of no more use.
    let old = past.lastIndex { now.uptime - $0.uptime >= Self.span * 0.95 }
    if let old { past.removeFirst(old) }
    defer { past.append(now) }
    return Self.values(now, since: past.first, interface: interface != nil, hasSwap: hasSwap)
  }

  private static func columns(interface: String?, hasSwap: Bool) -> [Column] {
    var list: [(String, String, String)] = [
      ("cpu.user", "share", "time in programs, of all cores"),
      ("cpu.system", "share", "time in the kernel, of all cores"),
      ("cpu.iowait", "share", "idle time waiting for disks"),
      ("cpu.softirq", "share", "time in soft interrupts (network), of all cores"),
      ("load.1", "processes", "running and waiting, over about a minute"),
      ("procs.running", "processes", "able to run at this moment"),
      ("procs.blocked", "processes", "waiting for disks at this moment"),
      ("forks", "1/s", "processes and threads started"),
      ("switches", "1/s", "context switches"),
      ("interrupts", "1/s", "interrupts served"),
      ("mem.used", "MiB", "memory not available to new programs"),
      ("mem.anon", "MiB", "memory of programs without a file behind it"),
      ("mem.dirty", "MiB", "file data waiting to be written"),
      ("page.faults", "1/s", "pages of memory asked for that were not there"),
      ("disk.read", "MB/s", "read from all disks"),
      ("disk.write", "MB/s", "written to all disks"),
      ("disk.writes", "1/s", "write operations on all disks"),
      ("disk.busy", "share", "time in which the busiest disk was at work"),
      ("net.lo.rx", "MB/s", "received on loopback"),
      ("net.lo.packets", "1/s", "packets received on loopback"),
    ]
    if let interface {
      list.append(("net.\(interface).rx", "MB/s", "received on \(interface)"))
      list.append(("net.\(interface).tx", "MB/s", "sent on \(interface)"))
    }
    if hasSwap { list.append(("swap.used", "MiB", "swap space in use")) }
    return list.map { Column(name: $0.0, unit: $0.1, meaning: $0.2) }
  }

  private static func values(_ now: Reading, since before: Reading?, interface: Bool, hasSwap: Bool)
    -> [Double]
  {
    let seconds = before.map { now.uptime - $0.uptime } ?? .nan
    func rate(_ counter: (Reading) -> Double, per unit: Double = 1) -> Double {
      guard let before, seconds > 0 else { return .nan }
      let difference = counter(now) - counter(before)
      // A counter that went backwards was started again.
      return difference >= 0 ? difference / seconds / unit : .nan
    }
    func share(_ part: (Reading) -> Double) -> Double {
      guard let before else { return .nan }
      let all = now.processor.total - before.processor.total
      return all > 0 ? max(0, part(now) - part(before)) / all : .nan
    }
    func mebibytes(_ name: String) -> Double { (now.memory[name] ?? .nan) / 1024 }

    var row: [Double] = [
      share(\.processor.user), share(\.processor.system), share(\.processor.iowait),
      share(\.processor.softirq),
      now.load, now.running, now.blocked, rate(\.forks), rate(\.switches), rate(\.interrupts),
      mebibytes("MemTotal") - mebibytes("MemAvailable"), mebibytes("AnonPages"), mebibytes("Dirty"),
      rate(\.pageFaults),
      rate(\.disks.sectorsRead, per: 1e6 / 512), rate(\.disks.sectorsWritten, per: 1e6 / 512),
      rate(\.disks.writes), busiest(now, since: before, seconds: seconds),
      rate(\.loopback.received, per: 1e6), rate(\.loopback.packets),
    ]
    if interface {
      row.append(rate(\.network.received, per: 1e6))
      row.append(rate(\.network.sent, per: 1e6))
    }
    if hasSwap { row.append(mebibytes("SwapTotal") - mebibytes("SwapFree")) }
    return row
  }

  private static func busiest(_ now: Reading, since before: Reading?, seconds: Double) -> Double {
    guard let before, seconds > 0 else { return .nan }
    let shares = now.disks.busyMilliseconds.map { disk, busy in
      (busy - (before.disks.busyMilliseconds[disk] ?? busy)) / 1000 / seconds
    }
    return min(max(shares.max() ?? 0, 0), 1)
  }
}

extension MachineMetrics {
  /// Everything read at one moment: counters since boot, and levels.
  struct Reading {
    struct Processor {
      var user = Double.nan
      var system = Double.nan
      var iowait = Double.nan
      var softirq = Double.nan
      var total = Double.nan
    }
    struct Disks {
      var sectorsRead = 0.0
      var sectorsWritten = 0.0
      var writes = 0.0
      var busyMilliseconds: [String: Double] = [:]
    }
    struct Interface {
      var received = 0.0
      var sent = 0.0
      var packets = 0.0
    }

    /// Seconds since boot by the clock that never jumps.
    let uptime: Double
    var processor = Processor()
    var switches = Double.nan
    var interrupts = Double.nan
    var forks = Double.nan
    var running = Double.nan
    var blocked = Double.nan
    var load = Double.nan
    var memory: [String: Double] = [:]
    var pageFaults = Double.nan
    var disks = Disks()
    var loopback = Interface()
    var network = Interface()

    init(interface: String?) {
      uptime = ProcessInfo.processInfo.systemUptime
      readProcessor(MachineMetrics.text("/proc/stat"))
      load = MachineMetrics.text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? .nan
      memory = MachineMetrics.table(MachineMetrics.text("/proc/meminfo"))
      pageFaults = MachineMetrics.table(MachineMetrics.text("/proc/vmstat"))["pgfault"] ?? .nan
      disks = MachineMetrics.disks(MachineMetrics.text("/proc/diskstats"))
      let interfaces = MachineMetrics.interfaces(MachineMetrics.text("/proc/net/dev"))
      loopback = interfaces["lo"] ?? Interface()
      if let interface { network = interfaces[interface] ?? Interface() }
    }

    private mutating func readProcessor(_ text: String) {
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 11)
        guard words.count > 1, let first = Double(words[1]) else { continue }
        switch words[0] {
        case "cpu":
          let ticks = words.dropFirst().prefix(8).map { Double($0) ?? 0 }
          guard ticks.count >= 7 else { continue }
          processor = Processor(
            user: ticks[0] + ticks[1], system: ticks[2] + ticks[5], iowait: ticks[4], softirq: ticks[6],
            total: ticks.reduce(0, +))
        case "ctxt": switches = first
        case "intr": interrupts = first
        case "processes": forks = first
        case "procs_running": running = first
        case "procs_blocked": blocked = first
        default: continue
        }
      }
    }
  }

  static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }

  /// `Name: 123 kB` or `name 123` lines as a table.
  static func table(_ text: String) -> [String: Double] {
    var table: [String: Double] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
      if words.count >= 2, let value = Double(words[1]) { table[String(words[0])] = value }
    }
    return table
  }

  /// Whole disks only: no partitions (they count twice), no loops, no memory.
  static func disks(_ text: String) -> Reading.Disks {
    var disks = Reading.Disks()
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 13, isDisk(String(words[2])) else { continue }
      disks.sectorsRead += Double(words[5]) ?? 0
      disks.writes += Double(words[7]) ?? 0
      disks.sectorsWritten += Double(words[9]) ?? 0
      disks.busyMilliseconds[String(words[2])] = Double(words[12]) ?? 0
    }
    return disks
  }

  private static func isDisk(_ name: String) -> Bool {
    if ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"].contains(where: { name.hasPrefix($0) }) {
      return false
    }
    if name.hasPrefix("nvme") || name.hasPrefix("mmcblk") { return !name.contains("p") }
    return name.last?.isNumber == false
  }

  static func interfaces(_ text: String) -> [String: Reading.Interface] {
    var interfaces: [String: Reading.Interface] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let words = parts[1].split(separator: " ").map { Double($0) ?? 0 }
      guard words.count >= 9 else { continue }
      interfaces[parts[0].trimmingCharacters(in: .whitespaces)] = Reading.Interface(
        received: words[0], sent: words[8], packets: words[1])
    }
    return interfaces
  }

  /// The interface with the route to everywhere (destination 0).
  static func defaultInterface(routes: String) -> String? {
    for line in routes.split(separator: "\n").dropFirst() {
      let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
      if words.count >= 2, words[1] == "00000000" { return String(words[0]) }
    }
    return nil
  }
}
