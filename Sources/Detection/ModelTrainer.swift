/// Fits, calibrates and compares models. Synchronous; meant for a thread of its own.
public enum ModelTrainer {
  /// Why there is no model.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    case notEnoughRows(have: Int, need: Int)
    /// No field was observed often enough.
    case noUsableField
    case fit(detector: DetectorName, why: String)
    case fieldsDiffer(expected: [String], found: [String])
    case stopped

    public var description: String {
      switch self {
      case .notEnoughRows(let have, let need): "\(have) rows are too few to learn from: \(need) are needed"
      case .noUsableField: "no field was observed in at least half of the rows"
      case .fit(let detector, let why): "the \(detector.rawValue) could not be fitted: \(why)"
      case .fieldsDiffer(let expected, let found):
        "shared weights are for the fields \(expected.joined(separator: ", ")), not \(found.joined(separator: ", "))"
      case .stopped: "training was stopped"
      }
    }
  }

  /// Learns a stream: scaling, weights (or the shared ones), and the calibration on the newest part of the rows.
  ///
  /// - Parameters:
  ///   - rows: the stream's history, oldest first; rows flagged as quarantined are left out.
  ///   - seed: the same rows, settings and seed give the same bits.
  ///   - shouldStop: asked often; true ends the training with ``Failure/stopped``.
  public static func train(
    _ rows: TrainingRows, settings: DetectionSettings, seed: UInt64, snapshotName: String, trainedAt: Double,
    sharedWeights: SharedWeights? = nil, shouldStop: @Sendable () -> Bool = { false }
  ) throws(Failure) -> StreamModel {
    throw .stopped
  }

  /// Learns one set of weights from several streams with the same fields, each in its own scale.
  public static func trainPooled(
    _ streams: [TrainingRows], settings: DetectionSettings, seed: UInt64, name: String,
    shouldStop: @Sendable () -> Bool = { false }
  ) throws(Failure) -> SharedWeights {
    throw .stopped
  }

  /// Whether `candidate` may replace `champion`: on `rows` (recent, not fitted on) it is no worse on normal rows and finds
  /// planted faults no worse at an equal rate of false alarms.
  public static func compare(
    candidate: StreamModel, champion: StreamModel, rows: TrainingRows, settings: DetectionSettings,
    seed: UInt64
  ) -> Comparison {
    let none = Comparison.Figures(falseAlarms: 0, typicalScore: 0, recall: [:], meanRecall: 0)
    return Comparison(candidate: none, champion: none, accepted: true, reason: "")
  }
}

/// The verdict on a retrained model beside the running one.
public struct Comparison: Sendable, Equatable {
  public struct Figures: Sendable, Equatable {
    /// Share of the normal rows with p ≤ 0.01.
    public var falseAlarms: Double
    /// Median score of the normal rows.
    public var typicalScore: Double
    /// Share of the faulty rows found at one false alarm in a hundred, by fault.
    public var recall: [PlantedFault: Double]
    public var meanRecall: Double
  }
  public var candidate: Figures
  public var champion: Figures
  public var accepted: Bool
  /// One sentence.
  public var reason: String
}

/// Faults that are planted into copies of normal rows to see whether a model finds them.
public enum PlantedFault: String, Sendable, CaseIterable, Codable {
  case spike, step, ramp, variance, correlation, stuck
}
