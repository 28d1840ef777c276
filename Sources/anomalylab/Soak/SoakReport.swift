import Control
import Foundation

/// What a soak ended with.
struct SoakReport {
  private let plan: SoakPlan
  private let ledger: SoakLedger
  /// How much more memory at the end of a life than when it had warmed up, as a share; the most of all lives.
  private let growth: Double

  /// Hours after which each stream has been seen and its model read.
  private static let warmUp = 2

  init(_ plan: SoakPlan, _ ledger: SoakLedger, _ memory: [[Double]]) {
    self.plan = plan
    self.ledger = ledger
    growth =
      memory.compactMap { life in
        life.count > Self.warmUp + 1 ? (life.last ?? 0) / life[Self.warmUp] - 1 : nil
      }.max() ?? 0
  }

  /// Nothing was lost or told twice, and memory is flat.
  var isPassed: Bool {
    ledger.holes == 0 && ledger.heardTwice == 0 && ledger.doubledOpenings == 0 && ledger.unknown == 0
      && growth <= 0.05
  }

  private var days: Double { Double(plan.day) * plan.interval / 86_400 }

  func print() {
    var table = TextTable([
      .init("fault"), .init("planted", .right), .init("found", .right), .init("after events", .right),
    ])
    for kind in SoakFaultKind.allCases {
      let findings = ledger.findings.filter { $0.fault.kind == kind }
      guard !findings.isEmpty else { continue }
      let delays = findings.compactMap(\.delay).sorted()
      table.append([
        "\(kind.rawValue)", "\(findings.count)", "\(delays.count)",
        delays.isEmpty ? "" : "\(delays[delays.count / 2]) (median)",
      ])
    }
    Output.line(table.rendered(Output.style))
    for finding in ledger.findings where finding.incident == nil {
      let fault = finding.fault
      Output.line(
        "missed: \(fault.kind.rawValue) in \(SoakPublisher.name(fault.stream)), m\(fault.feature), events \(fault.start) to \(fault.end)"
      )
    }
    Output.line(
      "incidents besides: \(ledger.besides.count) in \(Readable.number(days)) days of \(plan.streams) streams"
    )
    Output.line(
      "alerts: \(ledger.heard.count) told, \(ledger.caughtUp) of them asked for after a restart, "
        + "\(ledger.heardTwice) told twice, \(ledger.holes) lost, \(ledger.doubledOpenings) ids used twice")
    Output.line(
      "memory: at most \(Readable.share(growth)) more at the end of a life of the daemon than after its third hour"
    )
  }

  func printJSON() {
    struct Line: Encodable {
      let streams: Int
      let days: Double
      let findings: [SoakLedger.Finding]
      let besides: Int
      let told: Int
      let caughtUp: Int
      let toldTwice: Int
      let lost: Int
      let idsTwice: Int
      let growth: Double
      enum CodingKeys: String, CodingKey {
        case streams, days, findings, besides, told, lost, growth
        case caughtUp = "caught_up"
        case toldTwice = "told_twice"
        case idsTwice = "ids_twice"
      }
    }
    let line = Line(
      streams: plan.streams, days: days, findings: ledger.findings, besides: ledger.besides.count,
      told: ledger.heard.count, caughtUp: ledger.caughtUp, toldTwice: ledger.heardTwice, lost: ledger.holes,
      idsTwice: ledger.doubledOpenings, growth: growth)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    if let data = try? encoder.encode(line) { Output.line(String(decoding: data, as: UTF8.self)) }
  }
}
