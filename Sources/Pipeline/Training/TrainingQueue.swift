import Detection
import Events

/// A stream that waits for a model.
struct TrainingJob: Sendable, Equatable {
  var id: UInt32
  var stream: StreamKey
  var shard: Int
  var reason: TrainingReason
  /// Streams with the same names of fields in the same order have the same signature.
  var signature: UInt64
  /// The snapshot in use, which the new one would replace.
  var parent: String?
}

/// The order in which streams get their models: asked for first, then first models, then the rest as they came.
///
/// With more first models waiting than ``pooledFrom`` of one signature, those streams are served together: one pooled
/// model, their own scaling and calibration. Each is then queued behind everything else for a model of its own.
struct TrainingQueue: Sendable {
  enum Work: Sendable, Equatable {
    case own(TrainingJob)
    case pool([TrainingJob])
  }

  var pooledFrom: Int
  private var requested: [TrainingJob] = []
  private var first: [UInt64: [TrainingJob]] = [:]
  private var firstOrder: [UInt64] = []
  private var again: [TrainingJob] = []
  private var ownLater: [TrainingJob] = []
  private var waiting: Set<UInt32> = []

  init(pooledFrom: Int) { self.pooledFrom = pooledFrom }

  /// Streams that wait for a first or a newer model; those that only wait for one of their own are not in a hurry.
  var backlog: Int { requested.count + first.values.reduce(0) { $0 + $1.count } + again.count }
  /// Streams that run on a pooled model and wait for a try with one of their own.
  var pooled: Int { ownLater.count }
  /// Whether a training that a person asked for still waits.
  var hasRequests: Bool { !requested.isEmpty }
  var isEmpty: Bool { backlog == 0 && ownLater.isEmpty }

  /// A stream that already waits moves only when it is asked for by a person.
  mutating func add(_ job: TrainingJob) {
    if waiting.contains(job.id) {
      guard job.reason == .requested, !requested.contains(where: { $0.id == job.id }) else { return }
      remove(job.id)
    }
    waiting.insert(job.id)
    switch job.reason {
    case .requested: requested.append(job)
    case .early, .first:
      if first[job.signature] == nil { firstOrder.append(job.signature) }
      first[job.signature, default: []].append(job)
    default: again.append(job)
    }
  }

  /// A pooled stream gets a try with a model of its own when nothing else waits.
  mutating func addOwnLater(_ job: TrainingJob) {
    guard waiting.insert(job.id).inserted else { return }
    ownLater.append(job)
  }

  /// Takes the next work; nil when there is none.
  mutating func next() -> Work? {
    if !requested.isEmpty { return .own(take(\.requested)) }
    while let signature = firstOrder.first {
      guard let jobs = first[signature], !jobs.isEmpty else {
        first[signature] = nil
        firstOrder.removeFirst()
        continue
      }
      if jobs.count >= pooledFrom {
        first[signature] = nil
        firstOrder.removeFirst()
        waiting.subtract(jobs.map(\.id))
        return .pool(jobs)
      }
      let job = jobs[0]
      first[signature]?.removeFirst()
      waiting.remove(job.id)
      // Takes turns between feature sets.
      firstOrder.removeFirst()
      firstOrder.append(signature)
      return .own(job)
    }
    if !again.isEmpty { return .own(take(\.again)) }
    if !ownLater.isEmpty { return .own(take(\.ownLater)) }
    return nil
  }

  private mutating func take(_ line: WritableKeyPath<TrainingQueue, [TrainingJob]>) -> TrainingJob {
    let job = self[keyPath: line].removeFirst()
    waiting.remove(job.id)
    return job
  }

  private mutating func remove(_ id: UInt32) {
    for signature in firstOrder { first[signature]?.removeAll { $0.id == id } }
    again.removeAll { $0.id == id }
    ownLater.removeAll { $0.id == id }
  }
}
