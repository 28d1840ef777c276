public import Gradients
import Networks
import Tensors

/// What can be chosen about a NADE.
public struct NADESettings: ModelSettings {
  /// Hidden units; 0 for 2 to a number of the row, within 64 and 512.
  public var hidden = 0
  /// The seed of the order in which numbers are foretold; 0 for the order of the columns.
  public var ordering = 0

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    try Ordering.check(ordering)
  }
}

/// The neural autoregressive distribution estimator: `p(x_j = 1 | x_<j) = σ(b_j + v_j · h_j)` with `h_j = σ(c + Σ_{i<j} x_i w_i)`,
/// whose hidden layers share their weights, so that a row takes O(numbers × hidden) (Larochelle & Murray 2011, equations 3 to
/// 5).
public struct NADE: CategoricalDesign {
  public static let name = "nade"
  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 100
    return training
  }
  public static func support(for form: RowForm, _ settings: NADESettings) -> Support { .binary }

  /// `w` and `v`, `[numbers, hidden]`, in the order of the numbers; `b`, `c`.
  let input: Slot
  let output: Slot
  let bias: Slot
  let hiddenBias: Slot
  public let order: [Int]

  public init(_ settings: NADESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let width = form.width
    let hidden = settings.hidden > 0 ? settings.hidden : max(64, min(512, 2 * width))
    order = Ordering.places(width, seed: settings.ordering)
    func values(_ random: inout RandomStream, _ count: Int) -> [Float] {
      Initializer.glorot.values(count, inputs: width, outputs: hidden, random: &random)
    }
    input = scope.parameter("input", [width, hidden], values)
    output = scope.parameter("output", [width, hidden], values)
    bias = scope.parameter("bias", [width])
    hiddenBias = scope.parameter("hiddenBias", [hidden])
  }

  public func logits(_ rows: Rows) -> Variable {
    let isSorted = order == Array(order.indices)
    let (x, tape) = (isSorted ? rows.x : rows.x.taking(order, axis: 1), rows.tape)
    let sorted = nade(x, tape[input], tape[hiddenBias], tape[output], tape[bias])
    guard !isSorted else { return sorted }
    var rank = order
    for (i, place) in order.enumerated() { rank[place] = i }
    return sorted.taking(rank, axis: 1)
  }

  /// Number after number, with the sum that goes into the hidden layer kept.
  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    guard request.count > 0 else { return [] }
    let tape = Tape(buffer)
    let sum = tape.input([request.count, hiddenBias.shape[0]])
    sum.view.copy(tape[hiddenBias].view.expanded(to: sum.shape))
    // The number before, and where it and the next one stand.
    let number = tape.input([request.count, 1])
    let (last, next) = (tape.input([1]), tape.input([1]))
    let newSum = sum + number * gather(tape[input], last)
    let logit = (sigmoid(newSum) * gather(tape[output], next)).sum(-1) + gather(tape[bias], next)
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    var rows = [Float](repeating: 0, count: request.count * order.count)
    for (i, place) in order.enumerated() {
      tape.assign(last, [Float(max(0, i - 1))])
      tape.assign(next, [Float(i)])
      tape.rerun()
      sum.view.copy(newSum.view)
      let drawn = distribution.draw(logit.value.values, &random)
      tape.assign(number, drawn)
      for (row, value) in drawn.enumerated() { rows[row * order.count + place] = value }
    }
    return rows
  }
}
