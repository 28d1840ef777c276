import CAllocations
import Events
import Tensors
import Testing

@testable import Detection

/// What the event path asks of memory.
struct AllocationTests {
  @Test
  func `where nothing is missing and nothing late, neither policy nor places for late events cost memory`()
    throws
  {
    var signals = Signals(features: 6, common: 0.5, seed: 31)
    let trained = try trainedDetector(on: signals.rows(600))
    let batches = (0..<40).map { _ in signals.rows(64) }
    func allocations(_ missing: MissingPolicy, lateness: Double) -> UInt64 {
      var detector = trained
      detector.settings.missing = missing
      detector.settings.lateness = lateness
      if lateness == 0 { detector.recent = RecentRows() }
      var workspace = DetectorWorkspace()
      var before: UInt64 = 0
      for (index, rows) in batches.enumerated() {
        // What grows on first use has grown by then.
        if index == 10 { before = allocations_count_here() }
        detector.observe(
          rows: rows.values, width: 6, timestamps: rows.timestamps, count: 64, workspace: &workspace)
      }
      return allocations_count_here() - before
    }
    let bare = allocations(.ignore, lateness: 0)
    print("allocations in 30 calm batches of 64 events: \(bare)")
    for policy in MissingPolicy.allCases {
      #expect(allocations(policy, lateness: 3600) == bare, "\(policy.rawValue)")
    }
    // About one a batch at most, of what follows a stream and is not the event path itself.
    #expect(bare <= 60)
  }
}
