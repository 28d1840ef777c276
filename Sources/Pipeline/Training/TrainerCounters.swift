extension Trainer {
  /// What became of the trainings since the start.
  struct Counters: Sendable {
    var backlog = 0
    var pooledWaiting = 0
    var current: String?
    var trained: UInt64 = 0
    var accepted: UInt64 = 0
    var rejected: UInt64 = 0
    var failed: UInt64 = 0
    var lastError: String?
    var processorSeconds: Double = 0
    var usedShare: Double = 0
    /// nil where nothing measures it.
    var joules: Double?
    /// When the work at hand began, monotonic nanoseconds; 0 when idle or resting.
    var busySince: UInt64 = 0
  }
}
