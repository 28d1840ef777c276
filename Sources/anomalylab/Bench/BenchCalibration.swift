import Detection
import Events
import Tensors

/// `anomalylab bench calibration`: how often p ≤ α on noise, against α, through the whole of detection.
///
/// White normal noise, AR(1) noise with φ = 0.9 and Student-t noise with three degrees of freedom, with 1 and 16 features.
/// A model is learned from the first rows, the rest is scored in order as the daemon does.
struct BenchCalibration {
  enum Noise: String, CaseIterable {
    case white
    case autoregressive = "ar1-0.9"
    case student = "student-t3"
  }

  var events = 1_000_000
  /// Rows that the model is learned from.
  var training = 4_000
  var seed: UInt64 = 1
  /// Only the cases whose name contains this.
  var only: String?

  /// One line each of the measured rate of p ≤ 10⁻² and p ≤ 10⁻³ per case: `reference_value` is what was promised, `ratio`
  /// should lie within 0.8 and 1.25. Then how many rows lay between two of these, and between two incidents, with the promise: of
  /// incidents that is the least that it should be.
  func run() throws -> [BenchRecord] {
    var records: [BenchRecord] = []
    for noise in Noise.allCases {
      for features in [1, 16] {
        let name = "\(noise.rawValue) features=\(features)"
        if let only, !name.contains(only) { continue }
        let (rates, incidents, runs) = try measure(noise, features)
        for (alpha, rate) in rates {
          records.append(
            BenchRecord(
              bench: "calibration", case: "\(name) alpha=\(alpha) seed=\(seed)", value: rate,
              unit: "rate of p ≤ α",
              reference: "promised", referenceValue: alpha))
        }
        records.append(
          BenchRecord(
            bench: "calibration", case: "\(name) incidents seed=\(seed)", value: Double(incidents),
            unit: "incidents",
            reference: "none wanted", referenceValue: 0))
        for (what, promised, run) in runs {
          records.append(
            BenchRecord(
              bench: "calibration", case: "\(name) between \(what) seed=\(seed)", value: run.length,
              unit: "rows",
              reference: what == "incidents" ? "promised at least" : "promised", referenceValue: promised,
              note: run.note))
        }
      }
    }
    return records
  }

  private typealias Runs = [(what: String, promised: Double, run: AlarmRuns)]

  private func measure(_ noise: Noise, _ features: Int) throws -> ([(Double, Double)], UInt64, Runs) {
    var source = NoiseSource(noise, features: features, seed: seed)
    let names = (0..<features).map { "f\($0)" }
    var rows = TrainingRows(fields: names)
    rows.values = source.rows(training)
    rows.timestamps = (0..<training).map(Double.init)
    rows.quarantined = Array(repeating: false, count: training)
    var settings = DetectionSettings()
    settings.calibration.freshRows = 0
    settings.newNormal = 0
    var detector = StreamDetector(stream: StreamKey("noise"), settings: settings, seed: seed)
    for name in names { detector.addField(name) }
    detector.install(
      try ModelTrainer.train(
        rows, settings: settings, seed: seed, snapshotName: "bench", trainedAt: 0))
    var workspace = DetectorWorkspace()
    let alphas = [0.01, 0.001]
    var beyond = [AlarmRuns](repeating: AlarmRuns(), count: alphas.count)
    var openings = AlarmRuns()
    var done = 0
    while done < events {
      let count = min(DetectorWorkspace.batchRows, events - done)
      detector.observe(
        rows: source.rows(count), width: features,
        timestamps: (0..<count).map { Double(training + done + $0) }, count: count, workspace: &workspace)
      done += count
      let opened = zip(workspace.alerts, workspace.alertRows).filter { $0.0.state == .open }.map(\.1)
      for row in 0..<count {
        for index in alphas.indices { beyond[index].add(isAlarm: workspace.pValue(row) <= alphas[index]) }
        openings.add(isAlarm: opened.contains(row))
      }
    }
    let status = detector.status
    let scored = Double(status.scored)
    return (
      [(0.01, Double(status.tails[1]) / scored), (0.001, Double(status.tails[2]) / scored)],
      status.incidents,
      alphas.indices.map { ("p ≤ \(alphas[$0])", 1 / alphas[$0], beyond[$0]) }
        + [("incidents", FalseAlarmRun.least(settings.alerts), openings)]
    )
  }
}

/// Independent features of one kind of noise, as many rows as asked for.
struct NoiseSource {
  private let noise: BenchCalibration.Noise
  private let features: Int
  private var random: RandomStream
  private var last: [Float]

  init(_ noise: BenchCalibration.Noise, features: Int, seed: UInt64) {
    self.noise = noise
    self.features = features
    random = RandomStream(seed: seed, stream: 77)
    last = random.normals(features)
  }

  mutating func rows(_ count: Int) -> [Float] {
    var values = random.normals(count * features)
    switch noise {
    case .white: break
    case .autoregressive:
      let phi: Float = 0.9
      let innovation = (1 - phi * phi).squareRoot()
      for row in 0..<count {
        for feature in 0..<features {
          last[feature] = phi * last[feature] + innovation * values[row * features + feature]
          values[row * features + feature] = last[feature]
        }
      }
    case .student:
      // A normal over the root of a mean of three squared normals.
      let squares = random.normals(3 * count * features)
      for index in values.indices {
        var sum: Float = 0
        for part in 0..<3 { sum += squares[3 * index + part] * squares[3 * index + part] }
        values[index] /= (sum / 3).squareRoot()
      }
    }
    return values
  }
}
