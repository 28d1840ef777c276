public import Events
import Generative

/// The working space and the results of ``StreamDetector/observe(rows:width:timestamps:count:workspace:)``.
///
/// One per shard, lent to every stream in turn; grows on first use and allocates nothing after that. The results of a
/// batch are valid until the next one.
public struct DetectorWorkspace: Sendable {
  /// Rows that one call takes at most.
  public static let batchRows = 64

  /// Per event of the batch: 0…100; 0 before the first model.
  public internal(set) var score: [Float] = []
  /// Per event: the combined p-value, 1e-60…1; 1 before the first model.
  public internal(set) var p: [Double] = []
  /// Per detector (in the order of ``StreamModel/detectors``) and event: the model's own figure, higher is stranger.
  public internal(set) var raw: [[Float]] = []
  /// Per event: belongs to an incident, not to be learned from.
  public internal(set) var quarantined: [Bool] = []
  /// Statements to publish, in order; `seq` and `epoch` are the publisher's to give.
  public internal(set) var alerts: [Alert] = []
  /// Event of the batch that each of ``alerts`` was said at.
  public internal(set) var alertRows: [Int] = []

  var scratch = Scratch()

  public init() {}
}
