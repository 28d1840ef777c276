public import Gradients
import Networks
import Tensors

/// What can be chosen about a MADE.
public struct MADESettings: ModelSettings {
  /// Units of each hidden layer; 0 for 2 to a number of the row, within 64 and 512.
  public var hidden = 0
  public var layers = 1
  /// The seed of the order in which numbers are foretold; 0 for the order of the columns.
  public var ordering = 0
  /// Masks of the hidden layers that training takes in turn, by chance; the model is their mean.
  public var masks = 1
  /// Whether the row goes straight to the output, too.
  public var direct = true

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    guard (1...8).contains(layers) else { throw .setting("layers is \(layers), not 1 to 8") }
    guard (1...64).contains(masks) else { throw .setting("masks is \(masks), not 1 to 64") }
    try Ordering.check(ordering)
  }
}

/// A masked autoencoder for distribution estimation: `p(x) = Π p(x_j | x_<j)` of bits in one pass of a perceptron whose weights
/// are masked so that output `j` depends on the inputs before `j` only (Germain et al. 2015, equations 7 to 9).
///
/// With several masks (connectivity-agnostic training, section 4.2 there) each step is taken under one of them, and the
/// conditionals of the model are the means of theirs, which keeps the sum over all rows at exactly 1.
public struct MADE: CategoricalDesign {
  public static let name = "made"
  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 100
    return training
  }
  public static func support(for form: RowForm, _ settings: MADESettings) -> Support { .binary }

  let layers: [MaskedDense]
  /// From the row straight to the output.
  let direct: MaskedDense?
  let masks: Int
  public let order: [Int]

  public init(_ settings: MADESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let width = form.width
    let hidden = settings.hidden > 0 ? settings.hidden : max(64, min(512, 2 * width))
    let order = Ordering.places(width, seed: settings.ordering)
    self.order = order
    masks = settings.masks
    // The degree of a unit: how many of the first numbers it may see.
    var input = [Int](repeating: 0, count: width)
    for (i, place) in order.enumerated() { input[place] = i + 1 }
    // For each mask those of each hidden layer: evenly spread, or by chance where there are several.
    let most = max(1, width - 1)
    let units = (0..<settings.masks).map { mask -> [[Int]] in
      var random = RandomStream(seed: UInt64(mask), stream: 2)
      var least = 1
      return (0..<settings.layers).map { _ in
        let degrees = (0..<hidden).map { unit in
          settings.masks == 1 ? 1 + unit % most : least + random.below(most - least + 1)
        }
        // A unit below all degrees of the layer before would see nothing.
        least = degrees.min() ?? 1
        return degrees
      }
    }
    layers = (0...settings.layers).map { i in
      let isLast = i == settings.layers
      return MaskedDense(
        "\(i)", from: units.map { i == 0 ? input : $0[i - 1] }, to: units.map { isLast ? input : $0[i] },
        isStrict: isLast, activation: isLast ? .identity : .relu, in: &scope)
    }
    direct =
      settings.direct
      ? MaskedDense("direct", from: [input], to: [input], isStrict: true, activation: .identity, in: &scope)
      : nil
  }

  public func logits(_ rows: Rows) -> Variable {
    let straight = direct.map { $0($0.masks(on: rows.tape)[0], rows.x) }
    func logits(_ masks: [Variable]) -> Variable {
      let y = zip(layers, masks).reduce(rows.x) { $1.0($1.1, $0) }
      return straight.map { $0 + y } ?? y
    }
    let all = layers.map { $0.masks(on: rows.tape) }
    if masks == 1 { return logits(all.map { $0[0] }) }
    if rows.isTraining {
      // One of them by chance.
      let edges = rows.tape.input(Tensor((1..<masks).map { Float($0) / Float(masks) }, shape: [masks - 1]))
      let which = greater(rows.tape.uniform([1]), edges).sum(0, keepingAxes: true)
      return logits(
        all.map { masks in
          let shape = masks[0].shape
          return gather(concatenate(masks.map { $0.reshaped([1, shape.size]) }, axis: 0), which)
            .reshaped(shape)
        })
    }
    // log Σ p - log Σ (1 - p)
    let each = (0..<masks).map { mask in logits(all.map { $0[mask] }).inserting(0) }
    let stack = concatenate(each, axis: 0)
    return logSumExp(-softplus(-stack), axis: 0) - logSumExp(-softplus(stack), axis: 0)
  }
}

/// A dense layer in which a unit sees only those of lower degree, or of no higher one.
struct MaskedDense: Sendable {
  let dense: Dense
  private let masks: [Tensor]

  /// - Parameters:
  ///   - inputs: the degrees of the inputs under each mask.
  ///   - outputs: likewise.
  ///   - isStrict: whether equal degrees are hidden too, as they must be before the output.
  init(
    _ name: String, from inputs: [[Int]], to outputs: [[Int]], isStrict: Bool, activation: Activation,
    in scope: inout ParameterScope
  ) {
    let shape: Shape = [inputs[0].count, outputs[0].count]
    dense = Dense(name, shape[0], shape[1], activation: activation, in: &scope)
    masks = zip(inputs, outputs).map { inputs, outputs in
      Tensor(
        inputs.flatMap { input in outputs.map { input < $0 || input == $0 && !isStrict ? 1 : 0 } },
        shape: shape)
    }
  }

  func masks(on tape: Tape) -> [Variable] { masks.map { tape.input($0) } }

  /// - Parameter mask: of the weight, one of ``masks(on:)``.
  func callAsFunction(_ mask: Variable, _ x: Variable) -> Variable {
    let bias = dense.bias.map { x.tape[$0] }
    return dense.activation(Gradients.dense(x, x.tape[dense.weight] * mask, bias))
  }
}
