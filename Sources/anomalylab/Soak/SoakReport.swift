import Control
import Foundation

/// What a soak ended with.
struct SoakReport {
  private let plan: SoakPlan
  private let ledger: SoakLedger
  /// How much more memory at most than in the first life when it had warmed up, as a share.
  private let growth: Double

  /// Hours after which each stream has been seen and its model read.
  private static let warmUp = 2

  /// Incidents a week by chance that the daemon was allowed.
  private let budget: Double?

  init(_ plan: SoakPlan, _ ledger: SoakLedger, _ memory: [[Double]], budget: Double?) {
    self.plan = plan
    self.budget = budget
    self.ledger = ledger
    // A daemon that was started again reads what it needs as it goes, up to what it held before.
    let settled = memory.first.flatMap { $0.count > Self.warmUp ? $0[Self.warmUp] : $0.last } ?? 0
    growth = settled > 0 ? (memory.joined().max() ?? settled) / settled - 1 : 0
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
        + (budget.map { ", where the budget allows \(Readable.number((10 * $0 * days / 7).rounded() / 10))" }
          ?? ""))
    Output.line(
      "alerts: \(ledger.heard.count) told, \(ledger.caughtUp) of them asked for after a restart, "
        + "\(ledger.heardTwice) told twice, \(ledger.holes) lost, \(ledger.doubledOpenings) ids used twice")
    Output.line(
      "memory: at most \(Readable.share(growth)) more than in the third hour of the day"
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
