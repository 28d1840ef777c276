import Detection
import Events
import Tensors

extension Benchmarks {
  /// The event path of detection as a whole: inputs, every detector of the default, calibration, thresholds, incidents.
  static let ensemble = Benchmark(
    name: "ensemble",
    summary:
      "rows a second and core through the whole default ensemble (--set features=38, rows=20000): calm, odd, with holes"
  ) { run in
    let features = run.setting("features", 38)
    let rows = run.setting("rows", 20_000)
    var load = EnsembleLoad(features: features)
    let settings = DetectionSettings()
    let model = try ModelTrainer.train(
      load.rows(4000), settings: settings, seed: 1, snapshotName: "bench", trainedAt: 0)
    for kind in EnsembleLoad.Kind.allCases {
      var detector = StreamDetector(stream: StreamKey("bench"), settings: settings, seed: 1)
      for name in load.fields { detector.addField(name) }
      detector.install(model)
      let data = load.rows(rows, kind)
      let rate = Double(rows) / EnsembleLoad.seconds(data, &detector)
      run.report(
        "\(features) features, \(kind.text)", rate, "rows/s", reference: "wanted of calm ones", 20_000,
        note: "\(settings.detectors.count) detectors")
    }
  }
}

/// Correlated noise of a stream with many fields.
private struct EnsembleLoad {
  enum Kind: CaseIterable {
    case calm, incident, holes

    var text: String {
      switch self {
      case .calm: "nothing odd"
      case .incident: "in an incident all the while"
      case .holes: "one value in fifty missing"
      }
    }
  }

  let fields: [String]
  private let mixing: [Float]
  private var random = RandomStream(seed: 1, stream: 5)
  private var tick = 0.0
  private static let causes = 6

  init(features: Int) {
    fields = (0..<features).map { "m\($0)" }
    mixing = random.normals(features * Self.causes)
  }

  mutating func rows(_ count: Int, _ kind: Kind = .calm) -> TrainingRows {
    var values: [Float] = []
    var times: [Double] = []
    for _ in 0..<count {
      let strength = random.normals(Self.causes)
      let noise = random.normals(fields.count)
      let gaps = random.normals(fields.count)
      for field in fields.indices {
        var value = 20 + 0.5 * noise[field]
        for cause in 0..<Self.causes { value += mixing[field * Self.causes + cause] * strength[cause] }
        if kind == .incident, field % 5 == 0 { value += 30 }
        values.append(kind == .holes && gaps[field] > 2.054 ? .nan : value)
      }
      times.append(tick)
      tick += 1
    }
    return TrainingRows(fields: fields, timestamps: times, values: values)
  }

  /// Processor time of one thread, in batches as the daemon makes them.
  static func seconds(_ data: TrainingRows, _ detector: inout StreamDetector) -> Double {
    var workspace = DetectorWorkspace()
    let width = data.fields.count
    let clock = ContinuousClock()
    let batches = stride(from: 0, to: data.timestamps.count, by: DetectorWorkspace.batchRows).map { start in
      let end = min(start + DetectorWorkspace.batchRows, data.timestamps.count)
      return (Array(data.values[start * width..<end * width]), Array(data.timestamps[start..<end]))
    }
    let elapsed = clock.measure {
      for (values, times) in batches {
        detector.observe(
          rows: values, width: width, timestamps: times, count: times.count, workspace: &workspace)
      }
    }
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
  }
}
