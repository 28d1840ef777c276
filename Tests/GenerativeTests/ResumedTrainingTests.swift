import Foundation
import Networks
import Tensors
import Testing

@testable import Generative

/// A member of the suite in training, on rows of which some are missing.
enum ResumedTraining: String, CaseIterable {
  case autoencoder
  case contrastive = "rbm"
  case persistent = "persistent rbm"

  /// The state after some steps from the beginning or, if given, from the bytes of another state.
  func state(after steps: Int, from bytes: [UInt8]? = nil) throws -> TrainingState {
    var mask = [Float](repeating: 1, count: World.training.values.count)
    for i in stride(from: 4, to: mask.count, by: 11) { mask[i] = 0 }
    let split = HeldOutSplit(rows: World.training.rows, share: 0.15)
    let seen = DataMatrix(
      rows: World.training.rows, columns: World.width,
      values: zip(World.training.values, mask).map { $0 * $1 }, mask: mask
    ).standardised(
      split.order, shift: [Float](repeating: 0, count: World.width),
      scale: [Float](repeating: 0.5, count: World.width), bound: 8)
    switch self {
    case .autoencoder:
      let settings = AutoencoderSettings()
      let form = RowForm(shape: [World.width], support: .real)
      let network = Autoencoder.network(form, settings: settings, seed: 3)
      return try Self.run(
        Autoencoder.training(network, seen, split, form: form, settings: settings, seed: 3), steps,
        from: bytes)
    case .contrastive, .persistent:
      var settings = RBMSettings()
      settings.negativePhase = self == .persistent ? .persistent : .contrastiveDivergence
      return try Self.run(
        GaussianBernoulliRBM.training(seen, split, settings: settings, seed: 3), steps, from: bytes)
    }
  }

  private static func run<Member>(
    _ training: Training<Member>, _ steps: Int, from bytes: [UInt8]?
  ) throws -> TrainingState {
    var training = training
    if let bytes { try training.state.restore(bytes) }
    training.loop.steps = steps
    try training.loop.run(&training.state, &training.learner, now: { 0 })
    return training.state
  }

  /// The file by which one process hands its state to another.
  static func file(of process: Int32, _ member: String) -> URL {
    FileManager.default.temporaryDirectory.appending(path: "anomalyd-\(member)-\(process).safetensors")
  }
}

struct ResumedTrainingTests {
  /// Half of the steps end within a pass, and some passes lie before and after.
  static let half = 37

  @Test(
    "twice as many steps are the same as saving after half and going on", arguments: ResumedTraining.allCases)
  func halves(member: ResumedTraining) throws {
    let whole = try member.state(after: 2 * Self.half)
    let first = try member.state(after: Self.half)
    #expect(first.best != nil && first != whole)
    #expect(try member.state(after: 2 * Self.half, from: first.encode()) == whole)
  }

  @Test func `they go on in another process, bit for bit`() async throws {
    let process = ProcessInfo.processInfo.processIdentifier
    let files = ResumedTraining.allCases.map { ResumedTraining.file(of: process, $0.rawValue) }
    for (member, file) in zip(ResumedTraining.allCases, files) {
      try Data(member.state(after: Self.half).encode()).write(to: file, options: .atomic)
    }
    defer { for file in files { try? FileManager.default.removeItem(at: file) } }
    await #expect(processExitsWith: .success) {
      for member in ResumedTraining.allCases {
        let file = ResumedTraining.file(of: getppid(), member.rawValue)
        let state = try member.state(
          after: 2 * ResumedTrainingTests.half, from: Array(Data(contentsOf: file)))
        try Data(state.encode()).write(to: file, options: .atomic)
      }
    }
    for (member, file) in zip(ResumedTraining.allCases, files) {
      #expect(try Array(Data(contentsOf: file)) == member.state(after: 2 * Self.half).encode())
    }
  }
}
