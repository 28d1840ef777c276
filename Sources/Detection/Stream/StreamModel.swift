public import Generative

/// What was learned about a stream: which fields, their usual ranges, the detectors' weights, and how to read their
/// scores. An immutable value that is installed whole; copying it costs nothing.
public struct StreamModel: Sendable {
  /// Everything, once per model, however often the value is copied.
  final class Contents: Sendable {
    let snapshotName: String
    let trainedAt: Double
    let fields: [String]
    /// Fields that were known at the training, also those that were left out.
    let considered: [String]
    let rows: Int
    let detectors: [DetectorName]
    let sharedWeightsName: String?
    /// See ``StreamModel/isProvisional``.
    let isProvisional: Bool
    let plan: InputPlan
    let members: [Member]
    /// Per detector, then of the combined figure.
    let calibrations: [ScoreCalibration]
    /// The usual time between two rows, seconds; 0 when there is none.
    let interval: Double
    /// How many independent held-out rows the p-values rest on.
    var heldOutWorth: Float { calibrations.last?.weight ?? 0 }
    // Of `calibrations`, side by side for the event path.
    let references: [Double]
    let inverseUnits: [Double]
    /// Per detector: what its scores were worth on rows it had not seen. These stay as the training put them; what follows
    /// the stream is the one set of thresholds of the combined figure.
    let readings: [ThresholdTracker]
    /// What combined figures were worth on rows the models had not seen; it too stays as it is.
    let combinedReading: ThresholdTracker
    /// Of the tail of ``combinedReading``: a figure 30 tail lengths out counts as 30 · ln 2 of them.
    static let readingShape: Float = 1 / 30
    /// In ``oddness(_:beginning:)``: at what begins one looks first, the more so where there is but one metric, which has a new
    /// level more often than a fault that lasts.
    let weightOfBeginnings: Float
    /// What has its own time of the day begins nothing; nil: nobody remembers. Only where there is but one metric: of several, what
    /// is odd in its own way each day is as often a fault that comes back.
    let turning: RecurringPeaks.Turning?
    /// What one detector can add to what begins, in nats, before its share: a single one far beyond its scale would else hide
    /// what begins after it.
    let partBound: Float
    /// Per detector, by what its weight was multiplied on this stream, see ``LearnedWeights``; empty where they are as for every
    /// other one.
    let factors: [Float]
    /// Per detector, its share in the combined figure; they add up to 1.
    let shares: [Float]
    /// Per field, how long it keeps a value; empty when nobody looked.
    let runs: [RunLaw]
    /// Of ``runs``, side by side for the event path.
    let patience: [UInt32]
    /// ln of the number of fields that may stand still.
    let logFields: Float
    /// The stream's RBM, which also says what missing values should have been; nil when it is off.
    let rbm: GaussianBernoulliRBM?
    /// Per field, how far it jumps; none when nobody looked.
    let jumps: JumpLaws
    /// Per detector the thresholds of ``DriftGauge/alphas``.
    let common: [SIMD8<Float>]

    init(
      snapshotName: String, trainedAt: Double, fields: [String], considered: [String], rows: Int,
      detectors: [DetectorName], sharedWeightsName: String?, plan: InputPlan, members: [Member],
      calibrations: [ScoreCalibration], factors: [Float] = [], interval: Double, runs: [RunLaw] = [],
      jumps: [JumpLaw] = [], isProvisional: Bool = false
    ) {
      precondition(
        members.count == detectors.count && calibrations.count == Self.calibrations(detectors.count),
        "\(members.count) members and \(calibrations.count) calibrations of \(detectors.count) detectors")
      self.snapshotName = snapshotName
      self.trainedAt = trainedAt
      self.fields = fields
      self.considered = considered
      self.rows = rows
      self.detectors = detectors
      self.sharedWeightsName = sharedWeightsName
      self.isProvisional = isProvisional
      self.plan = plan
      self.members = members
      self.calibrations = calibrations
      self.interval = interval
      self.runs = runs
      readsWindows = members.contains(where: \.readsWindows)
      rbm = members.lazy.compactMap { $0.model as? GaussianBernoulliRBM }.first
      patience = runs.contains { !$0.tails.isEmpty } ? runs.map(\.patience) : []
      logFields = Float(Double(max(1, runs.count { !$0.tails.isEmpty })).logarithm)
      references = calibrations.map(\.reference)
      inverseUnits = calibrations.map { 1 / $0.unit }
      let weights = zip(detectors, members).map {
        $1.isSilent ? 0 : $0.weight(ordered: plan.ordered, fields: plan.fields)
      }
      self.factors = factors
      shares = Self.shares(weights, factors)
      // A tail heavy enough that the order of figures far beyond everything seen is not lost in the digits of a score.
      var combined = calibrations[detectors.count]
      combined.shape = Self.readingShape
      (weightOfBeginnings, partBound) = fields.count == 1 ? (100, 8) : (max(3, 30 / Float(fields.count)), 30)
      let season = members.lazy.compactMap {
        if case .seasonal(let season) = $0 { season } else { nil }
      }.first
      turning =
        plan.ordered && fields.count == 1 ? RecurringPeaks.Turning(season: season, interval: interval) : nil
      combinedReading = ThresholdTracker(combined)
      // Nothing is said by one value alone as long as there is little to go by.
      self.jumps = JumpLaws(isProvisional ? [] : jumps)
      readings = calibrations.prefix(detectors.count).map { ThresholdTracker($0) }
      common = calibrations.prefix(detectors.count).map { calibration in
        var thresholds = SIMD8<Float>()
        for level in 0..<8 { thresholds[level] = calibration.thresholds[level] }
        return thresholds
      }
    }

    /// Whether some detector sees windows.
    let readsWindows: Bool

    /// The mean of −ln p over the detectors, each by its share: Fisher's statistic by their number.
    @inline(__always)
    func figure(_ logP: (Int) -> Float) -> Float {
      var sum: Float = 0
      for detector in readings.indices { sum -= shares[detector] * logP(detector) }
      return sum
    }

    /// Of weights, each times its factor: they add up to 1.
    static func shares(_ weights: [Float], _ factors: [Float]) -> [Float] {
      let own = factors.isEmpty ? weights : zip(weights, factors).map { $0 * $1 }
      let total = own.reduce(0, +)
      return own.map { $0 / max(total, 1e-6) }
    }

    /// Where a row of a run begins among its levels.
    @inline(__always)
    func level(of place: Int) -> Int { (plan.contextRows &+ place) &* plan.fields }

    /// Calibrations that belong to so many detectors.
    static func calibrations(_ detectors: Int) -> Int { detectors + 1 }

    /// Rows further apart than this (seconds) have nothing to do with each other.
    var longestGap: Double { interval > 0 ? 32 * interval : .infinity }
  }

  let contents: Contents

  /// The snapshot's name, as in alerts.
  public var snapshotName: String { contents.snapshotName }
  /// Seconds since 1970.
  public var trainedAt: Double { contents.trainedAt }
  /// The fields it scores, in its own order.
  public var fields: [String] { contents.fields }
  /// The detectors in the order of their raw scores.
  public var detectors: [DetectorName] { contents.detectors }
  /// The usual time between two rows, seconds; 0 when there is none.
  public var interval: Double { contents.interval }
  /// Rows it was fitted and calibrated on.
  public var rows: Int { contents.rows }
  /// Whether it was learned from the first few rows only, to give scores until there is a better one. Nothing is said by it,
  /// no p-value is smaller than its few held-out rows allow, and it is never kept on disk.
  public var isProvisional: Bool { contents.isProvisional }
  /// The pool whose weights it uses; nil when they are its own.
  public var sharedWeightsName: String? { contents.sharedWeightsName }

  /// The fitted member of the suite behind a detector, to look into it or to draw samples from it; nil when it is off, or
  /// a companion.
  ///
  /// Its inputs are scaled: ``row(fromInputs:)`` brings them back into the fields' own units.
  public func detector(_ name: DetectorName) -> (any TrainedModel)? {
    contents.detectors.firstIndex(of: name).flatMap { contents.members[$0].model }
  }

  /// The values of ``fields``, in their own units, that a row of a detector's inputs stands for.
  public func row(fromInputs inputs: some Collection<Float>) -> [Float] {
    precondition(
      inputs.count >= fields.count, "\(inputs.count) inputs for \(fields.count) fields")
    return inputs.prefix(fields.count).enumerated().map {
      contents.plan.value(ofLevel: $0.element, field: $0.offset)
    }
  }
}

/// The weights of the detectors, without scaling and calibration: shared by streams with the same fields.
public struct SharedWeights: Sendable {
  /// Names the pool.
  public let name: String
  public let fields: [String]
  let detectors: [DetectorName]
  let members: [Member]
  let ordered: Bool
  let window: Int
}
