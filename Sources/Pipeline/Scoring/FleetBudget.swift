import Archive
import Detection
import Synchronization

/// The one ``FalseAlarmBudget`` of all shards, kept over a restart.
final class FleetBudget: Sendable {
  /// What the shards read for every batch.
  private let bits = Atomic<UInt32>(0)
  /// Whether there is a budget at all: without one no shard waits for another.
  private let isKept = Atomic(false)
  private let budget: Mutex<FalseAlarmBudget?>
  private let events = Atomic<UInt64>(0)
  private let path: String
  private static let kind = "budget"
  private static let version = 1

  init(perWeek: Double?, path: String) {
    self.path = path
    budget = Mutex(perWeek.map(FalseAlarmBudget.init))
    isKept.store(perWeek != nil, ordering: .relaxed)
    guard perWeek != nil, let file = try? Container(reading: path, kind: Self.kind, version: Self.version),
      let bytes = file["state"]
    else { return }
    // Three numbers of 8 bytes; a file of another length tells nothing.
    let state = stride(from: 0, to: bytes.count - 7, by: 8).map { start in
      Double(bitPattern: (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) })
    }
    change { $0.restore(state) }
  }

  /// Nats; 0 without a budget.
  var strictness: Float { Float(bitPattern: bits.load(ordering: .relaxed)) }
  var report: FalseAlarmBudget? { budget.withLock { $0 } }

  /// After a reload.
  func apply(perWeek: Double?) {
    budget.withLock { budget in
      guard perWeek != budget?.perWeek else { return }
      isKept.store(perWeek != nil, ordering: .relaxed)
      let state = budget?.state
      budget = perWeek.map(FalseAlarmBudget.init)
      if let state { budget?.restore(state) }
      bits.store((budget?.strictness ?? 0).bitPattern, ordering: .relaxed)
    }
  }

  /// A batch was scored.
  ///
  /// - Parameters:
  ///   - time: of its newest event.
  ///   - incidents: that ended in it and were as short as chance.
  func saw(events count: Int, upTo time: @autoclosure () -> Double?, incidents: Int) {
    guard isKept.load(ordering: .relaxed), let time = time() else { return }
    let all = events.wrappingAdd(UInt64(count), ordering: .relaxed).newValue
    change {
      $0.advance(to: time, events: all)
      for _ in 0..<incidents { $0.countIncident() }
    }
    if incidents > 0 { save() }
  }

  /// Somebody said that an incident was a false alarm.
  func countIncident() {
    guard isKept.load(ordering: .relaxed) else { return }
    change { $0.countIncident() }
    save()
  }

  private func change(_ body: (inout FalseAlarmBudget) -> Void) {
    budget.withLock { budget in
      guard var now = budget else { return }
      body(&now)
      budget = now
      bits.store(now.strictness.bitPattern, ordering: .relaxed)
    }
  }

  /// Not for a loss of power: the budget is learned again then.
  func save() {
    guard let state = report?.state else { return }
    let bytes = state.flatMap { number in
      (0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    try? Container(
      kind: Self.kind, version: Self.version, sections: [Container.Section(name: "state", bytes: bytes)]
    ).write(to: path, .process)
  }
}
