import Detection
import Events
import Tensors

@testable import Detection

/// Streams whose truth is known.
struct Signals {
  /// What every feature is made of.
  enum Noise { case white, autoregressive, student }

  let features: Int
  private let noise: Noise
  /// Share of a common cause in every feature's variance: 0 makes them independent.
  private let common: Float
  private var random: RandomStream
  private var state: [Float]
  private(set) var time = 0.0

  init(features: Int, noise: Noise = .white, common: Float = 0, seed: UInt64) {
    self.features = features
    self.noise = noise
    self.common = common
    random = RandomStream(seed: seed, stream: 5)
    state = random.normals(features + 1)
  }

  var names: [String] { (0..<features).map { "f\($0)" } }

  /// The next rows, one a second, mean 0 and variance 1 (Student-t: 3 degrees of freedom, variance 3).
  mutating func rows(_ count: Int) -> TrainingRows {
    var rows = TrainingRows(fields: names)
    for _ in 0..<count {
      let shared = draw(features)
      for feature in 0..<features {
        let own = draw(feature)
        rows.values.append(common.squareRoot() * shared + (1 - common).squareRoot() * own)
      }
      rows.timestamps.append(time)
      rows.quarantined.append(false)
      time += 1
    }
    return rows
  }

  private mutating func draw(_ index: Int) -> Float {
    let normal = random.normal()
    switch noise {
    case .white: return normal
    case .autoregressive:
      state[index] = 0.9 * state[index] + Float(0.19).squareRoot() * normal
      return state[index]
    case .student:
      var sum: Float = 0
      for _ in 0..<3 {
        let part = random.normal()
        sum += part * part
      }
      return normal / (sum / 3).squareRoot()
    }
  }
}

/// A detector in scoring, as it stands after a first training on `rows`.
func trainedDetector(
  on rows: TrainingRows, settings: DetectionSettings = .quick, seed: UInt64 = 1, name: String = "first"
) throws -> StreamDetector {
  var settings = settings
  settings.calibration.freshRows = 0
  var detector = StreamDetector(stream: StreamKey("test"), settings: settings, seed: seed)
  for field in rows.fields { detector.addField(field) }
  detector.install(
    try ModelTrainer.train(
      rows, settings: settings, seed: seed, snapshotName: name, trainedAt: rows.timestamps.last ?? 0))
  return detector
}

extension DetectionSettings {
  /// Small models that are learned in a moment.
  static var quick: DetectionSettings {
    var settings = DetectionSettings()
    settings.autoencoder.epochs = 15
    settings.rbm.epochs = 10
    return settings
  }
}

/// What came of a run of rows.
struct Observed {
  var score: [Float] = []
  var p: [Double] = []
  var quarantined: [Bool] = []
  var alerts: [Alert] = []
  /// Row of the run at which each alert was said.
  var alertRows: [Int] = []
}

extension StreamDetector {
  /// Observes all rows in batches of `batch`.
  mutating func observeAll(_ rows: TrainingRows, batch: Int = 64) -> Observed {
    var workspace = DetectorWorkspace()
    var observed = Observed()
    var start = 0
    while start < rows.count {
      let part = rows.rows(start..<min(start + batch, rows.count))
      observe(
        rows: part.values, width: part.fields.count, timestamps: part.timestamps, count: part.count,
        workspace: &workspace)
      observed.score += workspace.score[..<part.count]
      observed.p += workspace.p[..<part.count]
      observed.quarantined += workspace.quarantined[..<part.count]
      observed.alerts += workspace.alerts
      observed.alertRows += workspace.alertRows.map { $0 + start }
      start += part.count
    }
    return observed
  }
}
