import Control
import Events

/// Holds what the daemon said against what really happened.
struct DemoJudge {
  /// What became of one known fault.
  struct Finding {
    let fault: CausedFault
    /// The incident that told of it, as its strongest statement within the fault; nil when none did.
    let statement: Alert?
    /// From the beginning of the fault to the first statement, seconds.
    let delay: Double?
    /// The fault's own metrics among the first ``DemoJudge/explained`` features of the explanation.
    let named: [String]

    var isFound: Bool { statement != nil }
    var isExplained: Bool { !named.isEmpty }
  }

  /// As many features of an explanation count, the strongest first: as many as its sentence names.
  static let explained = 4

  let findings: [Finding]
  /// Incidents that belong to no fault, each by its strongest statement.
  let besides: [Alert]

  /// Every fault found and rightly explained, at most one incident besides.
  var isPassed: Bool { findings.allSatisfy { $0.isFound && $0.isExplained } && besides.count <= 1 }

  /// - Parameters:
  ///   - statements: every statement, in order.
  ///   - grace: seconds after a fault's end in which an incident may still open because of it.
  init(faults: [CausedFault], statements: [Alert], grace: Double = 5) {
    var used: Set<String> = []
    findings = faults.map { fault in
      let window = fault.start...(fault.end + grace)
      func within(_ id: String) -> [Alert] { statements.filter { $0.id == id && window.contains($0.ts) } }
      // The incident that opened in the fault; else one that was open and spoke in it.
      let opened = statements.first { $0.state == .open && window.contains($0.ts) }
      let spoke = statements.first { $0.state == .update && window.contains($0.ts) }
      for alert in statements where alert.state == .open && window.contains(alert.ts) {
        used.insert(alert.id)
      }
      guard let first = opened ?? spoke else {
        return Finding(fault: fault, statement: nil, delay: nil, named: [])
      }
      used.insert(first.id)
      let strongest = within(first.id).max { $0.score < $1.score } ?? first
      return Finding(
        fault: fault, statement: strongest, delay: max(0, first.ts - fault.start),
        named: Self.named(strongest, fault))
    }
    var besides: [String: Alert] = [:]
    for alert in statements where !used.contains(alert.id) {
      if besides[alert.id].map({ $0.score < alert.score }) ?? true { besides[alert.id] = alert }
    }
    self.besides = besides.values.sorted { $0.onset < $1.onset }
  }

  static func named(_ alert: Alert, _ fault: CausedFault) -> [String] {
    alert.features.prefix(explained).map(\.name).filter { fault.metrics.contains($0) }
  }
}
