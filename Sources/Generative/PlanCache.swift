import Gradients
import Networks

/// What a cached plan belongs to.
final class ModelIdentity: Sendable {}

/// Compiled networks of the models that one thread scored lately: the plan of a model is made when it is first scored, and
/// the longest unused one makes room.
struct PlanCache {
  private struct Entry {
    /// Kept, so that no other model gets the same identity.
    let owner: ModelIdentity
    let plan: NetworkPlan
    var used: UInt64
    /// Prepared rows on their way into the plan.
    var rows: [Float]
  }
  private static let most = 64
  private var entries: [ObjectIdentifier: Entry] = [:]
  private var clock: UInt64 = 0

  /// Runs `body` with the plan of this model and its space for prepared rows; allocates only when the plan is new.
  mutating func use(
    _ owner: ModelIdentity, space: Int, make: () -> NetworkPlan, body: (NetworkPlan, inout [Float]) -> Void
  ) {
    let key = ObjectIdentifier(owner)
    clock += 1
    if entries[key] == nil, entries.count >= Self.most,
      let oldest = entries.min(by: { $0.value.used < $1.value.used })
    {
      entries[oldest.key] = nil
    }
    let clock = clock
    func run(_ entry: inout Entry) {
      entry.used = clock
      body(entry.plan, &entry.rows)
    }
    run(
      &entries[
        key, default: Entry(owner: owner, plan: make(), used: clock, rows: Array(repeating: 0, count: space))]
    )
  }
}
