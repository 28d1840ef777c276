import Events
import Generative
import Tensors
import Testing

@testable import Detection

/// Detectors that judge a likelihood by more than how small it is.
@Suite struct JudgedLikelihoodTests {
  /// How often a faulty row scores above a usual one.
  private static func auroc(_ usual: [Float], _ faulty: [Float]) -> Double {
    let sorted = usual.sorted()
    let above = faulty.reduce(0) { sum, score in sum + sorted.count { $0 < score } }
    return Double(above) / Double(usual.count * faulty.count)
  }

  private static func scores(_ name: String, _ train: DataMatrix, _ tests: [DataMatrix]) throws -> [[Float]] {
    let detector = try #require(DetectorName(rawValue: name))
    var settings = DetectionSettings.quick
    settings.models.epochs = 20
    let member = try detector.fit(
      train, fields: train.columns, settings: settings, seed: 1, shouldStop: { false })
    // What is written down is the same detector.
    let again = try detector.decode(member.encode())
    return tests.map { test in
      let scores = member.scores(of: test)
      #expect(again.scores(of: test) == scores, "to the bit")
      return scores
    }
  }

  private static func noise(_ rows: Int, _ columns: Int, times: Float = 1, seed: UInt64) -> DataMatrix {
    var random = RandomStream(seed: seed, stream: 5)
    return DataMatrix(
      rows: rows, columns: columns, values: random.normals(rows * columns).map { $0 * times })
  }

  @Test(arguments: ["gaussian", "realnvp"])
  func `rows that are too quiet are probable, and not typical`(member: String) throws {
    let train = Self.noise(1500, 32, seed: 1)
    let tests = [Self.noise(400, 32, seed: 2), Self.noise(400, 32, times: 0.3, seed: 3)]
    let raw = try Self.scores(member, train, tests)
    let judged = try Self.scores(member + "-typicality", train, tests)
    let (likelihood, typicality) = (Self.auroc(raw[0], raw[1]), Self.auroc(judged[0], judged[1]))
    print("\(member): quiet rows, AUROC by likelihood \(likelihood), by typicality \(typicality)")
    #expect(likelihood < 0.05)
    #expect(typicality > 0.95)
    // Of 32 independent normals: ½ · 32 · (1 + ln 2π) nats of entropy; −ln p is usually off by √16.
    let usual = judged[0].reduce(0, +) / 400
    #expect(usual > 2 && usual < 5, "E|−ln p − H| is √(2/π) · 4 = 3.2, not \(usual)")
  }

  /// 48 inputs that are loud or quiet together, and two pairs whose members go together.
  private static func rows(_ count: Int, loudness: Float, broken: Bool, seed: UInt64) -> DataMatrix {
    var random = RandomStream(seed: seed, stream: 6)
    var values: [Float] = []
    for _ in 0..<count {
      let draws = random.normals(53)
      let loud = loudness * VectorMath.exp([0.6 * draws[52]])[0]
      values += draws[..<48].map { $0 * loud }
      for pair in [48, 50] {
        values.append(draws[pair])
        values.append(broken ? draws[pair + 1] : 0.9 * draws[pair] + 0.436 * draws[pair + 1])
      }
    }
    return DataMatrix(rows: count, columns: 52, values: values)
  }

  @Test
  func
    `what the background finds strange too says nothing: a broken pair is found among what is loud or quiet`()
    throws
  {
    let train = Self.rows(2000, loudness: 1, broken: false, seed: 1)
    let tests = [
      Self.rows(600, loudness: 1, broken: false, seed: 2),
      Self.rows(600, loudness: 0.4, broken: true, seed: 3),
    ]
    let raw = try Self.scores("gaussian", train, tests)
    let judged = try Self.scores("gaussian-likelihood-ratio", train, tests)
    let (likelihood, ratio) = (Self.auroc(raw[0], raw[1]), Self.auroc(judged[0], judged[1]))
    print("broken pairs in quiet rows, AUROC by likelihood \(likelihood), by likelihood ratio \(ratio)")
    #expect(likelihood < 0.5)
    #expect(ratio > 0.85)
  }

  @Test func `only members with a likelihood can be judged by it`() {
    for name in ["realnvp-typicality", "vae-likelihood-ratio", "gaussian-mixture-typicality"] {
      #expect(DetectorName(rawValue: name)?.rawValue == name)
    }
    for name in [
      "autoencoder-typicality", "gru-typicality", "realnvp-likelihood", "-typicality", "robust-z-typicality",
    ] {
      #expect(DetectorName(rawValue: name) == nil, "\(name)")
    }
  }

  @Test func `a stream can be scored by them, and its model file knows them`() throws {
    var signals = Signals(features: 3, common: 0.6, seed: 51)
    var settings = DetectionSettings.quick
    settings.models.epochs = 5
    settings.models.names = try ["gaussian-typicality", "gaussian-likelihood-ratio"].map {
      try #require(DetectorName(rawValue: $0))
    }
    let model = try ModelTrainer.train(
      signals.rows(900), settings: settings, seed: 1, snapshotName: "s", trainedAt: 0)
    let again = try StreamModel(decoding: model.encode())
    let names = model.detectors.map(\.rawValue)
    #expect(names.contains("gaussian-typicality") && names.contains("gaussian-likelihood-ratio"))
    #expect(again.detectors == model.detectors)
    let test = signals.rows(64)
    var scores: [[Float]] = []
    for one in [model, again] {
      var detector = StreamDetector(stream: StreamKey("s"), settings: settings, seed: 1)
      for field in test.fields { detector.addField(field) }
      detector.install(one)
      var workspace = DetectorWorkspace()
      detector.observe(
        rows: test.values, width: 3, timestamps: test.timestamps, count: 64, workspace: &workspace)
      scores.append(names.indices.flatMap { Array(workspace.raw[$0][..<64]) })
    }
    #expect(scores[0] == scores[1])
  }
}
