public import Gradients
import Networks
import Tensors

/// What can be chosen about a MADE.
public struct MADESettings: ModelSettings {
  /// Units of each hidden layer; 0 for 2 to a number of the row, within 64 and 512.
  public var hidden = 0
  public var layers = 1

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    guard (1...8).contains(layers) else { throw .setting("layers is \(layers), not 1 to 8") }
  }
}

/// A masked autoencoder for distribution estimation: `p(x) = Π p(x_j | x_<j)` of bits in one pass of a perceptron whose weights
/// are masked so that output `j` depends on the inputs before `j` only (Germain et al. 2015, equations 7 to 9).
public struct MADE: AutoregressiveDesign {
  public static let name = "made"
  public static let likelihoodKind = LikelihoodKind.exact
  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 100
    return training
  }
  public static func support(for form: RowForm, _ settings: MADESettings) -> Support { .binary }

  let layers: [MaskedDense]
  /// From the row straight to the output, as in the paper's best models.
  let direct: MaskedDense
  public let order: [Int]

  public init(_ settings: MADESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let width = form.width
    let hidden = settings.hidden > 0 ? settings.hidden : max(64, min(512, 2 * width))
    order = Array(0..<width)
    // The degree of a unit: how many of the first numbers it may see.
    let input = Array(1...width)
    let unit = (0..<hidden).map { 1 + $0 % max(1, width - 1) }
    var degrees = [input]
    for _ in 0..<settings.layers { degrees.append(unit) }
    layers = (0...settings.layers).map { i in
      let last = i == settings.layers
      return MaskedDense(
        "\(i)", from: degrees[i], to: last ? input : degrees[i + 1], isStrict: last,
        activation: last ? .identity : .relu, in: &scope)
    }
    direct = MaskedDense("direct", from: input, to: input, isStrict: true, activation: .identity, in: &scope)
  }

  /// The logit of each bit given those before it, `[rows, width]`.
  func logits(_ x: Variable) -> Variable { layers.reduce(x) { $1($0) } + direct(x) }

  public func conditionals(_ rows: Rows) -> Variable {
    -binaryCrossEntropy(logits(rows.x), targets: rows.x)
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable { conditionals(rows).sum(-1) }

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    sampleNaively(request, buffer)
  }

  /// Bit after bit, each from one pass over the row so far.
  public func sampleNaively(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let width = order.count
    let plan = NetworkPlan(buffer, row: [width]) { sigmoid(logits($0)) }
    var rows = [Float](repeating: 0, count: request.count * width)
    let indices = Array(0..<request.count)
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    for place in order {
      let probabilities = plan.run(rows, rows: indices[...]).values
      for row in indices {
        rows[row * width + place] = random.uniform() < probabilities[row * width + place] ? 1 : 0
      }
    }
    return rows
  }
}

/// A dense layer in which a unit sees only those of lower degree, or of no higher one.
struct MaskedDense: Sendable {
  let dense: Dense
  private let mask: Tensor

  /// - Parameters:
  ///   - isStrict: whether equal degrees are hidden too, as they must be before the output.
  init(
    _ name: String, from inputs: [Int], to outputs: [Int], isStrict: Bool, activation: Activation,
    in scope: inout ParameterScope
  ) {
    dense = Dense(name, inputs.count, outputs.count, activation: activation, in: &scope)
    mask = Tensor(
      inputs.flatMap { input in outputs.map { input < $0 || input == $0 && !isStrict ? 1 : 0 } },
      shape: [inputs.count, outputs.count])
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let product = matmul(x, x.tape[dense.weight] * x.tape.input(mask))
    return dense.activation(dense.bias.map { product + x.tape[$0] } ?? product)
  }
}
