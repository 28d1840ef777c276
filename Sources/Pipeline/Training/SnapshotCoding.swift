import Archive
import Control
import Detection
import Events
import Foundation
import Synchronization

/// Models as snapshots on disk and back.
enum SnapshotCoding {
  /// The name under which a snapshot refers to pooled weights.
  static let sharedSection = "weights"

  /// - Parameter weights: where the pooled weights lie that the model uses; nil when they are its own.
  static func snapshot(
    of model: StreamModel, stream: StreamKey, parent: String?, weights: SharedID?, _ report: PromotionReport
  ) throws -> Snapshot {
    var sections: [String: [UInt8]] = [:]
    sections[Snapshot.reportSection] = Array(try ControlCoding.json(report).utf8)
    for section in model.encode() { sections[section.name] = section.bytes }
    return Snapshot(
      stream: stream, name: model.snapshotName, trainedAt: model.trainedAt, parent: parent,
      sections: sections,
      shared: weights.map { [sharedSection: $0] } ?? [:])
  }

  /// What ``Snapshot/reportSection`` tells; nil when it cannot be read: it is for people, and nothing depends on it.
  static func report(_ bytes: [UInt8]?) -> PromotionReport? {
    bytes.flatMap { try? JSONDecoder().decode(PromotionReport.self, from: Data($0)) }
  }

  static func model(of snapshot: Snapshot, pools: WeightPools) throws -> StreamModel {
    let shared = try snapshot.shared[sharedSection].map { try pools.weights($0) }
    return try StreamModel(
      decoding: snapshot.sections.map { (name: $0.key, bytes: $0.value) }, sharedWeights: shared)
  }
}

/// Pooled weights that are in memory, by where they lie: decoded once, however many streams use them.
final class WeightPools: Sendable {
  private let store: SnapshotStore
  private let known = Mutex<[SharedID: SharedWeights]>([:])
  /// By the signature of the streams that they were learned from.
  private let latest = Mutex<[UInt64: SharedWeights]>([:])

  init(store: SnapshotStore) { self.store = store }

  func weights(_ id: SharedID) throws -> SharedWeights {
    if let weights = known.withLock({ $0[id] }) { return weights }
    let weights = try SharedWeights(decoding: store.sharedBytes(id))
    remember(weights, at: id)
    return weights
  }

  func remember(_ weights: SharedWeights, at id: SharedID) {
    known.withLock { $0[id] = weights }
  }

  /// Remembers them as the newest of streams with a signature, see ``TrainingJob/signature``.
  func remember(_ weights: SharedWeights, at id: SharedID, of signature: UInt64) {
    remember(weights, at: id)
    latest.withLock { $0[signature] = weights }
  }

  /// What streams with this signature have in common; nil when none were learned together since the start.
  func newest(of signature: UInt64) -> SharedWeights? { latest.withLock { $0[signature] } }
}

extension ModelFigures {
  init(_ figures: Comparison.Figures, of model: StreamModel) {
    self.init()
    rows = figures.rows
    falseAlarms = figures.falseAlarms
    typicalScore = figures.typicalScore
    meanRecall = figures.meanRecall
    for (fault, share) in figures.recall { recall[fault.rawValue] = share }
    calibrationError = figures.calibrationError
    bytes = model.encode().reduce(0) { $0 + $1.bytes.count }
    microsecondsPerRow = figures.secondsPerRow * 1e6
  }

  mutating func take(_ found: DetectionPower) {
    power = found.share
    var (sizes, events): ([String: Double], [String: Int]) = ([:], [:])
    for curve in found.curves {
      guard let smallest = curve.smallest else { continue }
      sizes[curve.fault.rawValue] = smallest
      events[curve.fault.rawValue] = curve.points.first { $0.size == smallest }?.medianDelay
    }
    (detectable, delays) = (sizes, events)
  }
}
