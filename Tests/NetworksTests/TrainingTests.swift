import Foundation
import Gradients
import Networks
import Tensors
import Testing

/// A small model with everything that a resumed run could get wrong: dropout, running statistics, a moving average, two
/// optimizers, a schedule, held-out rows.
enum SmallTraining {
  static let rows = 40
  static let batch = 8

  static func data() -> [Tensor] {
    var random = RandomStream(seed: 10)
    let x = random.normals(rows * 3)
    let y = (0..<rows).map { row -> Float in
      let (a, b, c) = (x[3 * row], x[3 * row + 1], x[3 * row + 2])
      return a * b - 0.5 * c
    }
    return [Tensor(x, shape: [rows, 3]), Tensor(y, shape: [rows, 1])]
  }

  struct Model: Sendable {
    let first: Dense
    let norm: BatchNorm
    let second: Dense
    let parameters: Parameters

    init() {
      var scope = ParameterScope(seed: 1)
      first = Dense("first", 3, 8, activation: .tanh, in: &scope)
      norm = BatchNorm("norm", channels: 8, in: &scope)
      second = Dense("second", 8, 1, in: &scope)
      parameters = scope.parameters
    }

    func loss(_ batch: Batch) -> Variable {
      let h = Dropout(0.2)(norm(first(batch[0]), isTraining: batch.isTraining), isTraining: batch.isTraining)
      return Loss.meanSquaredError(second(h), batch[1])
    }
  }

  static func begin() -> (TrainingState, TapeLearner) {
    let model = Model()
    let parts = ["first", "second"].map { model.parameters.range(under: "\($0).") }
    let state = TrainingState(
      model.parameters,
      optimizers: [
        .adam(rate: 0.02, ranges: [parts[0]]), .sgd(rate: 0.05, momentum: 0.9, ranges: [parts[1]]),
      ],
      shuffle: Shuffle(rows: 32, batch: batch, seed: 3), seed: 3, averageDecay: 0.9)
    let learner = TapeLearner(
      model.parameters, data: data(), heldOutRows: Array(32..<40), batch: 4, seed: 3, loss: model.loss)
    return (state, learner)
  }

  static func loop(_ steps: Int) -> TrainingLoop {
    var loop = TrainingLoop(steps: steps)
    loop.schedule = .cosine(steps: 40, end: 0.1)
    loop.clipping = .norm(0.5)
    loop.phases = [0, 1, 1]
    loop.evaluationInterval = 5
    return loop
  }

  /// The file by which one process hands its state to another.
  static func file(of process: Int32) -> URL {
    FileManager.default.temporaryDirectory.appending(path: "anomalyd-training-\(process).safetensors")
  }
}

struct TrainingTests {
  @Test func `the same seed gives the same bits, and training makes the loss smaller`() throws {
    var (a, first) = SmallTraining.begin()
    var (b, second) = SmallTraining.begin()
    var losses: [Float] = []
    try SmallTraining.loop(60).run(&a, &first, now: { 0 }, observer: { losses.append($0.loss) })
    try SmallTraining.loop(60).run(&b, &second, now: { 0 })
    #expect(a == b)
    #expect(a.encode() == b.encode())
    #expect(a.step == 60 && a.shuffle.epoch == 14 && losses.count == 15)
    #expect(losses[14] < 0.8 * losses[0])
    let best = try #require(a.best)
    #expect(best.step % 5 == 0 && best.parameters != a.parameters)
    #expect(a.average?.values != a.parameters.values)
  }

  @Test func `a run stopped, saved and loaded goes on as if it had not been stopped`() throws {
    for half in [20, 13] {
      var (whole, learner) = SmallTraining.begin()
      try SmallTraining.loop(40).run(&whole, &learner, now: { 0 })
      var (first, one) = SmallTraining.begin()
      try SmallTraining.loop(half).run(&first, &one, now: { 0 })
      var (second, two) = SmallTraining.begin()
      try second.restore(first.encode())
      #expect(second == first)
      try SmallTraining.loop(40).run(&second, &two, now: { 0 })
      #expect(second == whole)
    }
  }

  @Test func `a resumed run reports what a whole one does`() throws {
    func losses(_ state: inout TrainingState, _ learner: inout TapeLearner, stopAt step: Int) throws
      -> [Float]
    {
      var losses: [Float] = []
      var loop = SmallTraining.loop(24)
      loop.reportInterval = 6
      var asked = state.step
      try loop.run(
        &state, &learner, now: { 0 }, observer: { if $0.end != .stopped { losses.append($0.loss) } },
        shouldStop: {
          asked += 1
          return asked > step
        })
      return losses
    }
    var (whole, learner) = SmallTraining.begin()
    let truth = try losses(&whole, &learner, stopAt: 24)
    for step in [3, 6, 17] {
      var (first, one) = SmallTraining.begin()
      let before = try losses(&first, &one, stopAt: step)
      #expect(first.step == step)
      var (second, two) = SmallTraining.begin()
      try second.restore(first.encode())
      #expect(before + (try losses(&second, &two, stopAt: 24)) == truth)
      #expect(second == whole)
    }
  }

  @Test func `it goes on in another process, bit for bit`() async throws {
    var (first, learner) = SmallTraining.begin()
    try SmallTraining.loop(20).run(&first, &learner, now: { 0 })
    let file = SmallTraining.file(of: ProcessInfo.processInfo.processIdentifier)
    try Data(first.encode()).write(to: file, options: .atomic)
    defer { try? FileManager.default.removeItem(at: file) }
    await #expect(processExitsWith: .success) {
      let file = SmallTraining.file(of: getppid())
      var (state, learner) = SmallTraining.begin()
      try state.restore(Array(Data(contentsOf: file)))
      try SmallTraining.loop(40).run(&state, &learner, now: { 0 })
      try Data(state.encode()).write(to: file, options: .atomic)
    }
    try SmallTraining.loop(40).run(&first, &learner, now: { 0 })
    #expect(try Array(Data(contentsOf: file)) == first.encode())
  }

  @Test func `checkpoints are the states of their steps`() throws {
    var (state, learner) = SmallTraining.begin()
    var loop = SmallTraining.loop(12)
    loop.checkpointInterval = 4
    var kept: [TrainingState] = []
    try loop.run(&state, &learner, now: { 0 }, checkpoint: { kept.append($0) })
    #expect(kept.map(\.step) == [4, 8, 12])
    #expect(kept[2] == state)
    var other = kept[0]
    try loop.run(&other, &learner, now: { 0 })
    #expect(other == state)
  }

  @Test func `a loss that is not finite ends the run with the last good state`() throws {
    let model = SmallTraining.Model()
    var data = SmallTraining.data()
    data[1].values[17] = .nan
    var (state, _) = SmallTraining.begin()
    var learner = TapeLearner(model.parameters, data: data, seed: 3, loss: model.loss)
    var loop = SmallTraining.loop(40)
    let error = #expect(throws: TrainingError.self) { try loop.run(&state, &learner, now: { 0 }) }
    guard case .loss(let loss, let step) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(loss.isNaN && step == state.step && state.step < 4)
    #expect(
      state.parameters.values.allSatisfy(\.isFinite) && state.parameters.statistics.allSatisfy(\.isFinite))
    // It is the state that a run to that step has.
    var (truth, other) = SmallTraining.begin()
    loop.steps = step
    try loop.run(&truth, &other, now: { 0 })
    #expect(truth.parameters == state.parameters && truth.shuffle == state.shuffle)
  }

  @Test func `a gradient that is not finite names its parameter`() throws {
    var scope = ParameterScope(seed: 1)
    let slot = scope.parameter("weight", [2])
    let parameters = scope.parameters
    var state = TrainingState(
      parameters, optimizers: [.sgd(rate: 1)], shuffle: Shuffle(rows: 4, batch: 2, seed: 1), seed: 1)
    // The root of 0 is 0; its derivative is infinite.
    var learner = TapeLearner(parameters, data: [Tensor(repeating: 1, shape: [4, 2])], seed: 1) { batch in
      (sqrt(batch.tape[slot]) * batch[0]).mean()
    }
    #expect(throws: TrainingError.gradient("weight", step: 0)) {
      try TrainingLoop(steps: 3).run(&state, &learner, now: { 0 })
    }
    #expect(state.parameters == parameters && state.step == 0)
  }

  @Test func `patience, the clock and whoever watches end a run`() throws {
    var (state, learner) = SmallTraining.begin()
    var loop = SmallTraining.loop(1000)
    loop.leastGain = 10
    loop.patience = 2
    #expect(try loop.run(&state, &learner, now: { 0 }) == .noGain)
    // The first evaluation is the best one; the next two are no gain.
    #expect(state.step == 15)
    // What ended by itself stays so: not a step more.
    let ended = state
    #expect(try loop.run(&state, &learner, now: { 0 }) == .noGain)
    #expect(state == ended)
    var seconds = 0.0
    loop.patience = nil
    loop.timeLimit = 10
    let end = try loop.run(
      &state, &learner,
      now: {
        seconds += 1
        return seconds
      })
    #expect(end == .timeLimit && state.step > 15 && state.step < 30)
    var reports: [TrainingProgress] = []
    #expect(
      try loop.run(&state, &learner, now: { 0 }, observer: { reports.append($0) }, shouldStop: { true })
        == .stopped)
    #expect(reports.map(\.end) == [.stopped])
  }

  @Test func `the rate is halved while nothing is gained, and stays so in a resumed run`() throws {
    var (whole, learner) = SmallTraining.begin()
    var loop = SmallTraining.loop(40)
    loop.schedule = .constant
    loop.leastGain = 10
    loop.halvingInterval = 3
    var rates: [Float] = []
    loop.reportInterval = 6
    try loop.run(&whole, &learner, now: { 0 }, observer: { rates.append($0.rate) })
    // Evaluations after 5, 10, … 40 steps; the first is the best, every third of the others halves.
    #expect(whole.halvings == 2 && whole.evaluationsWithoutGain == 7)
    // Every sixth step is of the second optimizer, whose rate is 0.05.
    #expect(rates.prefix(6) == [0.05, 0.05, 0.05, 0.025, 0.025, 0.0125])
    var (first, one) = SmallTraining.begin()
    loop.steps = 22
    try loop.run(&first, &one, now: { 0 })
    #expect(first.halvings == 1)
    var (second, two) = SmallTraining.begin()
    try second.restore(first.encode())
    loop.steps = 40
    try loop.run(&second, &two, now: { 0 })
    #expect(second == whole)
  }

  @Test func `reports say loss and speed`() throws {
    var (state, learner) = SmallTraining.begin()
    var seconds = 0.0
    var loop = SmallTraining.loop(12)
    loop.reportInterval = 6
    var reports: [TrainingProgress] = []
    try loop.run(
      &state, &learner, now: { seconds },
      observer: {
        reports.append($0)
        seconds += 2
      })
    #expect(reports.map(\.step) == [6, 12])
    #expect(reports[1].rowsPerSecond == Double(6 * SmallTraining.batch) / 2)
    #expect(reports[1].epoch == 2 && reports[1].end == .finished && reports[1].heldOutLoss != nil)
    #expect(reports[1].loss.isFinite && reports[1].rate > 0 && reports[1].gradientNorm != nil)
  }

  @Test func `every pass gives each row once, in an order of its own`() {
    var shuffle = Shuffle(rows: 10, batch: 4, seed: 1, keepsRest: true)
    let passes = (0..<3).map { _ in (0..<3).flatMap { _ in Array(shuffle.next()) } }
    for pass in passes { #expect(pass.sorted() == Array(0..<10)) }
    #expect(passes[0] != passes[1] && passes[1] != passes[2])
    var even = Shuffle(rows: 10, batch: 4, seed: 1)
    #expect((0..<6).allSatisfy { _ in even.next().count == 4 })
    #expect(even.epoch == 2)
    var moved = Shuffle(rows: 10, batch: 4, seed: 1)
    moved.move(toEpoch: 2, position: 8)
    #expect(moved == even)
    #expect(moved.next() == even.next())
  }
}

struct TrainingStateTests {
  static func trained() throws -> TrainingState {
    var (state, learner) = SmallTraining.begin()
    try SmallTraining.loop(10).run(&state, &learner, now: { 0 })
    return state
  }

  @Test func `every flipped byte is an error`() throws {
    let state = try Self.trained()
    let bytes = state.encode()
    var (other, _) = SmallTraining.begin()
    let before = other
    for i in stride(from: 0, to: bytes.count, by: 7) {
      var broken = bytes
      broken[i] ^= 0x20
      // A space may become part of nothing; all else is found.
      if bytes[i] == 0x20 { continue }
      #expect(throws: WeightsError.self, "byte \(i)") { try other.restore(broken) }
    }
    #expect(throws: WeightsError.self) { try other.restore(Array(bytes.dropLast())) }
    #expect(other == before)
  }

  @Test func `a state of another model, data or optimizer is refused with a reason`() throws {
    let bytes = try Self.trained().encode()
    let model = SmallTraining.Model()
    let optimizers = SmallTraining.begin().0.optimizers
    func state(_ parameters: Parameters, _ optimizers: [Optimizer], rows: Int, seed: UInt64) -> TrainingState
    {
      TrainingState(
        parameters, optimizers: optimizers,
        shuffle: Shuffle(rows: rows, batch: SmallTraining.batch, seed: seed), seed: seed)
    }
    var scope = ParameterScope(seed: 1)
    _ = Dense("first", 3, 9, in: &scope)
    for var wrong in [
      state(scope.parameters, optimizers, rows: 32, seed: 3),
      state(model.parameters, [.adam()], rows: 32, seed: 3),
      state(model.parameters, optimizers, rows: 33, seed: 3),
      state(model.parameters, optimizers, rows: 32, seed: 4),
    ] {
      #expect(throws: WeightsError.self) { try wrong.restore(bytes) }
    }
  }

  @Test func `parameters stand in the file under their names, as Python's safetensors reads them`() throws {
    let state = try Self.trained()
    let file = try Weights(decoding: state.encode())
    #expect(file.tensors["first.weight"] == state.parameters["first.weight"])
    #expect(file.tensors["norm.mean"]?.shape == [8])
    #expect(file.tensors["best/second.bias"]?.shape == [1])
    #expect(file.tensors["optimizer.0/second"]?.count == state.optimizers[0].second.count)
  }
}
