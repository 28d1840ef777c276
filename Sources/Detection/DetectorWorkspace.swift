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
  public internal(set) var score: [Float]
  /// Per event: the combined p-value, 1e-60…1; 1 before the first model.
  public internal(set) var p: [Double]
  /// Per detector (in the order of ``StreamModel/detectors``) and event: the model's own figure, higher is stranger; NaN
  /// when there is none.
  public internal(set) var raw: [[Float]]
  /// Per event: belongs to an incident, not to be learned from.
  public internal(set) var quarantined: [Bool]
  /// Statements to publish, in order; `seq` and `epoch` are the publisher's to give.
  public internal(set) var alerts: [Alert] = []
  /// The event of the batch at which each of ``alerts`` was said.
  public internal(set) var alertRows: [Int] = []

  var inputs = InputBuffers()
  /// Raw scores of one run of rows.
  var run: [Float]
  /// Standardised scores of one row, as many as there are trackers.
  var standard: [Float]
  var scratch = Scratch()

  public init() {
    let rows = Self.batchRows
    score = Array(repeating: 0, count: rows)
    p = Array(repeating: 1, count: rows)
    raw = DetectorName.allCases.map { _ in Array(repeating: .nan, count: rows) }
    quarantined = Array(repeating: false, count: rows)
    run = Array(repeating: 0, count: rows)
    standard = Array(repeating: 0, count: DetectorName.allCases.count + 2)
  }

  /// Clears what is left of the batch before.
  mutating func begin(_ count: Int) {
    for row in 0..<count {
      score[row] = 0
      p[row] = 1
      quarantined[row] = false
    }
    for detector in raw.indices { for row in 0..<count { raw[detector][row] = .nan } }
    if !alerts.isEmpty {
      alerts.removeAll(keepingCapacity: true)
      alertRows.removeAll(keepingCapacity: true)
    }
  }
}
