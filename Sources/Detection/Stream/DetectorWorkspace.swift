public import Events
import Generative
import Glibc

/// The working space and the results of ``StreamDetector/observe(rows:width:timestamps:count:workspace:)``.
///
/// One per shard, lent to every stream in turn; grows on first use and allocates nothing after that. The results of a
/// batch are valid until the next one.
public struct DetectorWorkspace {
  /// Rows that one call takes at most.
  public static let batchRows = 64

  /// Per event of the batch: 0…100; 0 before the first model.
  public internal(set) var score: [Float]
  /// Per event: natural logarithm of the combined p-value; 0 before the first model.
  public internal(set) var logP: [Float]
  /// Per event: how odd it is to the model as it was learned, 0…100: about ``score``, but from thresholds that follow nothing, so
  /// that it orders events far apart in time where ``logP`` says what is odd lately, and higher where something begins. It
  /// never saturates. 0 before the first model.
  public internal(set) var oddness: [Double]
  /// Whether ``oddness`` is wanted; otherwise it stays 0.
  public var wantsOddness = true
  /// Per detector (in the order of ``StreamModel/detectors``) and event: the model's own figure, higher is stranger; NaN
  /// when there is none.
  public internal(set) var raw: [[Float]]
  /// Per event: belongs to an incident, not to be learned from.
  public internal(set) var quarantined: [Bool]
  /// Per event: how far its score can be relied on, 0…1: by what of it came, and by how many held-out rows its p-value rests on.
  /// See `Confidence` for the formula.
  public internal(set) var confidence: [Float]
  /// Per event: share of the model's fields whose values were filled in, see ``MissingPolicy``; 0…1.
  public internal(set) var imputed: [Float]
  /// Per event: came too late to be scored, and is not to be learned from.
  public internal(set) var unscored: [Bool]
  /// Whether any of the batch is ``unscored``.
  public internal(set) var hasUnscored = false
  /// Statements to publish, in order; `seq` and `epoch` are the publisher's to give.
  public internal(set) var alerts: [Alert] = []
  /// Incidents that ended in this batch and were as short as chance.
  public internal(set) var chanceIncidents = 0
  /// How many nats stranger than the settings say an event must be to open an incident; see ``FalseAlarmBudget``.
  public var strictness: Float = 0
  var opening = AlertPolicy.Opening(DetectionSettings.Alerts())
  /// The event of the batch at which each of ``alerts`` was said.
  public internal(set) var alertRows: [Int] = []

  /// Per event: share of the model's fields that did not come, 0…1.
  var missing: [Float]
  var inputs = InputBuffers()
  /// Raw scores of one run of rows.
  var run: [Float]
  /// Per detector and event: the raw score in tail lengths above its usual median.
  var standard: [[Float]]
  /// The same of the figure that one row's detectors were combined to.
  var ofRow: Float = 0
  /// Per event: its figure by itself; NaN when nothing of it came.
  var own: [Float]
  /// The context of an event that came late.
  var lateContext: [Float] = []
  /// Per event: ln p of the value that jumped farthest; 0 where that is not worth a word.
  var jump: [Float]
  /// The rows of the run that may hold a jump beyond the records, a bit of each.
  var suspects: UInt64 = 0
  /// The records as they were before the run.
  var jumps = JumpRecords()
  // Of a run of rows, by event: the combined figures, and their standardised ones.
  var figure: [Float]
  var combined: [Float]
  /// The figures with each detector's part bounded.
  var bounded: [Float]
  /// As they were before the run.
  var trackers: [ThresholdTracker] = []
  var scratch = Scratch()
  var space = CompanionSpace()
  var still = StandingStill()

  public init() {
    let rows = Self.batchRows
    score = Array(repeating: 0, count: rows)
    logP = Array(repeating: 0, count: rows)
    oddness = Array(repeating: 0, count: rows)
    raw = Array(repeating: Array(repeating: .nan, count: rows), count: DetectorName.most)
    quarantined = Array(repeating: false, count: rows)
    confidence = Array(repeating: 0, count: rows)
    imputed = Array(repeating: 0, count: rows)
    unscored = Array(repeating: false, count: rows)
    own = Array(repeating: 0, count: rows)
    missing = Array(repeating: 0, count: rows)
    run = Array(repeating: 0, count: rows)
    figure = Array(repeating: 0, count: rows)
    jump = Array(repeating: 0, count: rows)
    combined = Array(repeating: 0, count: rows)
    bounded = Array(repeating: 0, count: rows)
    standard = Array(repeating: Array(repeating: 0, count: rows), count: DetectorName.most)
  }

  /// The combined p-value of an event, 1e-60…1; 1 before the first model.
  public func pValue(_ row: Int) -> Double { exp(Double(logP[row])) }

  /// Takes over the raw scores of a run of rows, and standardises them.
  mutating func keepRun(of detector: Int, _ range: Range<Int>, _ contents: StreamModel.Contents) {
    contents.standardize(run, from: range.lowerBound, range, detector, into: &standard[detector])
    Self.copy(run, to: &raw[detector], range)
  }

  // Spans: without a question per row whether the array is shared.
  private static func copy(_ run: [Float], to array: inout [Float], _ range: Range<Int>) {
    var array = array.mutableSpan
    let run = run.span
    for row in range { array[row] = run[row - range.lowerBound] }
  }

  private static func clear(_ array: inout [Float], _ count: Int) {
    var array = array.mutableSpan
    for row in 0..<count { array[row] = .nan }
  }

  /// Clears what is left of the batch before.
  mutating func begin(_ count: Int) {
    chanceIncidents = 0
    hasUnscored = false
    still.begin(count)
    for row in 0..<count {
      score[row] = 0
      logP[row] = 0
      oddness[row] = 0
      quarantined[row] = false
      confidence[row] = 0
      imputed[row] = 0
      unscored[row] = false
      missing[row] = 0
      jump[row] = 0
    }
    for detector in raw.indices { Self.clear(&raw[detector], count) }
    if !alerts.isEmpty {
      alerts.removeAll(keepingCapacity: true)
      alertRows.removeAll(keepingCapacity: true)
    }
  }
}
