import Control
import Events

/// What was promised, and what came of it.
struct SoakLedger {
  /// What became of one fault.
  struct Finding: Encodable {
    let fault: SoakFault
    let incident: String?
    /// Events from the begin of the fault to the statement that told of it.
    let delay: Int?
  }

  /// Sequence numbers that came over the alert socket, and those that had to be asked for after a restart.
  private(set) var heard: Set<UInt64> = []
  private(set) var heardTwice = 0
  private(set) var caughtUp = 0
  /// Statements on the way of which the daemon keeps no record.
  private(set) var unknown = 0
  private(set) var holes = 0
  private(set) var doubledOpenings = 0
  private(set) var findings: [Finding] = []
  /// Incidents that belong to no fault, by their first statement.
  private(set) var besides: [Alert] = []

  mutating func hear(_ alert: Alert) {
    if !heard.insert(alert.seq).inserted { heardTwice += 1 }
  }

  /// A subscriber that was away asks for what it missed.
  mutating func catchUp(_ alerts: [Alert]) {
    for alert in alerts where heard.insert(alert.seq).inserted { caughtUp += 1 }
  }

  /// Events after a fault's end within which an incident may still open because of it.
  static let grace = 15

  /// Holds all that was ever said against the plan.
  mutating func judge(_ statements: [Alert], _ plan: SoakPlan) {
    let numbers = statements.map(\.seq).sorted()
    let known = Set(numbers)
    holes = Int(numbers.last ?? 0) - known.count
    unknown = heard.subtracting(known).count
    // What is in the record and was neither heard nor caught up with was lost on the way.
    holes += known.subtracting(heard).count
    let openings = statements.filter { $0.state == .open }
    doubledOpenings = openings.count - Set(openings.map(\.id)).count
    var used: Set<String> = []
    findings = plan.faults.map { fault in
      let name = SoakPublisher.name(fault.stream)
      let window =
        SoakPublisher.time(fault.start, plan)...SoakPublisher.time(fault.end + Self.grace, plan)
      let said = statements.filter {
        $0.stream == name && !$0.isOver && window.contains($0.ts)
      }.min { $0.ts < $1.ts }
      if let said { used.insert(said.id) }
      return Finding(
        fault: fault, incident: said?.id,
        delay: said.map { Int((($0.ts - window.lowerBound) / plan.interval).rounded()) })
    }
    let day = SoakPublisher.time(plan.learning, plan)
    besides = openings.filter { !used.contains($0.id) && $0.ts >= day }
  }
}
