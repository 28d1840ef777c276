import Gradients
import Networks
import Tensors

/// What can be chosen about a ``RecurrentSequence``.
struct SequenceSettings: ModelSettings {
  /// Units; 0 for 24 to 96 by the number of features.
  var hidden = 0

  func check() throws(FitError) { try SettingCheck.units("hidden", hidden) }
}

/// A recurrent network that foretells each step of a sequence `[steps, features]` from those before it,
/// `p(x) = Π N(x_t; μ_t, σ_t)` with `μ_t = a ⊙ x_{t-1} + W h_{t-1} + b` and `ln σ_t` alike, the features of one step independent
/// given the steps before (Graves 2013, sections 2 and 4, with one component). A flat row of n columns is n steps of one number.
///
/// `a` begins at 1: until more is learned, what comes is what was.
struct RecurrentSequence<Cell: RecurrentCell>: AutoregressiveDesign {
  static var name: String { Cell.name }
  static var likelihoodKind: LikelihoodKind { .exact }
  static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 60
    training.rate = 5e-3
    training.clip = 5
    training.cosine = true
    return training
  }
  static func support(for form: RowForm, _ settings: SequenceSettings) -> Support { .real }

  let steps: Int
  let features: Int
  let hidden: Int
  private let cell: Cell
  private let output: Dense
  /// `[features]`
  private let carried: Slot

  init(_ settings: SequenceSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    guard form.shape.count <= 2 else {
      throw .unsuitable(
        "rows of the shape \(form.shape) are no sequences: a number of steps and one of features are needed")
    }
    steps = form.shape[0]
    features = form.width / steps
    hidden = settings.hidden > 0 ? settings.hidden : max(24, min(96, 4 * features))
    cell = Cell("cell", features, hidden, in: &scope)
    output = Dense("output", hidden, 2 * features, in: &scope)
    carried = scope.parameter("carried", [features]) { _, count in [Float](repeating: 1, count: count) }
  }

  var width: Int { steps * features }
  var order: [Int] { Array(0..<width) }
  /// Numbers of a state: the cell's, then the step that it saw last.
  var stateWidth: Int { Cell.parts * hidden }

  /// ln of the least σ of a prepared number: what hardly ever changes must not make its first change infinitely strange.
  private static var leastLogSigma: Float { -3 }

  // MARK: one step from those before

  /// - Parameter before: the steps one earlier, `[rows, times, features]`.
  private func moments(_ before: Variable, _ outputs: Variable) -> (mean: Variable, logSigma: Variable) {
    let y = output(outputs).split(-1, into: 2)
    return (before * before.tape[carried] + y[0], softplus(y[1] - Self.leastLogSigma) + Self.leastLogSigma)
  }

  private func moments(_ rows: Rows) -> (mean: Variable, logSigma: Variable) {
    let x = rows.x.reshaped([rows.count, steps, features])
    let before = before(x)
    return moments(before, cell.run(before, from: nil).outputs)
  }

  /// `[rows, steps, features]` one step later, with nothing at the begin.
  private func before(_ x: Variable) -> Variable {
    let begin = x[1, 0..<1] * 0
    return steps > 1 ? concatenate([begin, x[1, 0..<steps - 1]], axis: 1) : begin.contiguous()
  }

  func conditionals(_ rows: Rows) -> Variable {
    let (mean, logSigma) = moments(rows)
    let x = rows.x.reshaped([rows.count, steps, features])
    let z = (x - mean) * exp(-logSigma)
    return (z.squared() * -0.5 - logSigma - 0.918_938_5).reshaped([rows.count, width])
  }

  func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    conditionals(rows).observed(rows.mask).sum(1)
  }

  func loss(_ rows: Rows) -> Variable { -logLikelihood(rows, samples: 1).mean() * (1 / Float(width)) }

  func lastStrangeness(_ rows: Rows) -> Variable {
    -conditionals(rows)[1, width - features..<width].contiguous().sum(1) * (1 / Float(features))
  }

  // MARK: on and on

  /// From `[rows, stateWidth + features]`, a state and the step that comes, to the same after it and then `μ` and `ln σ` of the next.
  private func advancing(_ buffer: ParameterBuffer) -> NetworkPlan {
    NetworkPlan(buffer, row: [stateWidth + features]) { row in
      let count = row.shape[0]
      let x = row[1, stateWidth..<stateWidth + features].contiguous().reshaped([count, 1, features])
      let (outputs, state) = cell.run(x, from: row[1, 0..<stateWidth].contiguous())
      let (mean, logSigma) = moments(x, outputs)
      return concatenate(
        [state, mean.reshaped([count, features]), logSigma.reshaped([count, features])], axis: -1)
    }
  }

  /// Feeds `first`, then `count` rows' own continuation, and hands over `μ` and `ln σ` of every step.
  ///
  /// - Parameter next: from the step's number and its moments, `count × features` each, to the step.
  private func unroll(
    _ count: Int, steps: Int, _ buffer: ParameterBuffer, from begin: (state: [Float], step: [Float])? = nil,
    next: (Int, (mean: [Float], logSigma: [Float])) -> [Float]
  ) {
    let plan = advancing(buffer)
    let wide = stateWidth + features
    let indices = Array(0..<count)
    var rows = [Float](repeating: 0, count: count * wide)
    if let begin {
      for row in 0..<count {
        for i in 0..<stateWidth { rows[row * wide + i] = begin.state[row * stateWidth + i] }
        for i in 0..<features { rows[row * wide + stateWidth + i] = begin.step[row * features + i] }
      }
    }
    for step in 0..<steps {
      let result = withExtendedLifetime(plan) { plan.run(rows, rows: indices[...]).values }
      let whole = wide + features
      func part(_ first: Int) -> [Float] {
        (0..<count).flatMap { result[$0 * whole + first..<$0 * whole + first + features] }
      }
      let chosen = next(step, (part(stateWidth), part(stateWidth + features)))
      for row in 0..<count {
        for i in 0..<stateWidth { rows[row * wide + i] = result[row * whole + i] }
        for i in 0..<features { rows[row * wide + stateWidth + i] = chosen[row * features + i] }
      }
    }
  }

  func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let noise = noise(request)
    var rows = [Float](repeating: 0, count: request.count * width)
    unroll(request.count, steps: steps, buffer) { step, moments in
      let drawn = draw(moments, noise, step, request.count)
      for row in 0..<request.count {
        for i in 0..<features { rows[row * width + step * features + i] = drawn[row * features + i] }
      }
      return drawn
    }
    return rows
  }

  func sampleNaively(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let noise = noise(request)
    var rows = [Float](repeating: 0, count: request.count * width)
    let plan = NetworkPlan(buffer, row: [width]) { x in
      let (mean, logSigma) = moments(Rows(x))
      return concatenate([mean, logSigma], axis: 1)
    }
    let indices = Array(0..<request.count)
    for step in 0..<steps {
      let result = withExtendedLifetime(plan) { plan.run(rows, rows: indices[...]).values }
      func part(_ first: Int) -> [Float] {
        (0..<request.count).flatMap { row -> ArraySlice<Float> in
          let from = row * 2 * width + first + step * features
          return result[from..<from + features]
        }
      }
      let drawn = draw((part(0), part(width)), noise, step, request.count)
      for row in 0..<request.count {
        for i in 0..<features { rows[row * width + step * features + i] = drawn[row * features + i] }
      }
    }
    return rows
  }

  private func noise(_ request: SampleRequest) -> [Float] {
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    return random.normals(request.count * width)
  }

  private func draw(
    _ moments: (mean: [Float], logSigma: [Float]), _ noise: [Float], _ step: Int, _ count: Int
  ) -> [Float] {
    let sigma = VectorMath.exp(moments.logSigma.map { min($0, 3) })
    return (0..<count * features).map { i in
      let (row, feature) = (i / features, i % features)
      // No row was ever shown further out.
      let drawn = moments.mean[i] + sigma[i] * noise[row * width + step * features + feature]
      return max(-Preparation.bound, min(Preparation.bound, drawn))
    }
  }

  // MARK: what comes

  /// The means of the steps that follow prepared rows, each foretold from the means before it: `count × horizon × features`.
  func foretell(_ rows: [Float], count: Int, horizon: Int, _ buffer: ParameterBuffer) -> [Float] {
    let indices = Array(0..<count)
    // The state after the last step but one; that last step is then fed like those that follow.
    let reading = NetworkPlan(buffer, row: [width]) { x in
      cell.run(before(x.reshaped([x.shape[0], steps, features])), from: nil).state
    }
    // The result lies in the plan's memory.
    let states = withExtendedLifetime(reading) { reading.run(rows, rows: indices[...]).values }
    let last = (0..<count).flatMap { rows[($0 + 1) * width - features..<($0 + 1) * width] }
    var result = [Float](repeating: 0, count: count * horizon * features)
    unroll(count, steps: horizon, buffer, from: (states, last)) { step, moments in
      let bounded = moments.mean.map { max(-Preparation.bound, min(Preparation.bound, $0)) }
      for row in 0..<count {
        for i in 0..<features {
          result[(row * horizon + step) * features + i] = bounded[row * features + i]
        }
      }
      return bounded
    }
    return result
  }
}
