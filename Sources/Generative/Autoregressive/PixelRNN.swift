public import Gradients
import Networks
import Tensors

/// What can be chosen about a PixelRNN.
public struct PixelRNNSettings: ModelSettings {
  /// Units of each LSTM; between layers are twice as many feature maps. 0 for what suits the size of the picture.
  public var units = 0
  /// 0 for what suits the size of the picture.
  public var layers = 0
  /// Grey levels of a pixel; 0 for bits, or 32 levels where rows are real numbers.
  public var levels = 0
  /// Parts of a mixture of logistic distributions by which grey levels are foretold; 0 for a probability of each level of its own.
  public var mixture = 0

  public init() {}
  public func check() throws(FitError) {
    try PixelLevels.check(levels, mixture: mixture, [("units", units, 1024), ("layers", layers, 100)])
  }
}

/// How the LSTMs of a PixelRNN go over a picture.
public protocol PixelRNNKind: Sendable {
  static var name: String { get }
  static var isDiagonal: Bool { get }
}

/// From row to row, all pixels of a row at once.
public enum RowLSTM: PixelRNNKind {
  public static let name = "pixelrnn-row"
  public static let isDiagonal = false
}

/// From diagonal to diagonal, once from the left and once from the right.
public enum DiagonalBiLSTM: PixelRNNKind {
  public static let name = "pixelrnn-diagonal"
  public static let isDiagonal = true
}

/// Pixel recurrent neural networks: `p(x) = Π p(x_i | those above and to the left)` from a convolution that does not see its own
/// place (mask A), residual LSTM layers over the picture, and two 1×1 convolutions (van den Oord et al. 2016, table 1).
public struct PixelRNN<Kind: PixelRNNKind>: CategoricalDesign {
  public static var name: String { Kind.name }
  public static var training: TrainingSettings { .pixels }
  public static func support(for form: RowForm, _ settings: PixelRNNSettings) -> Support {
    PixelLevels.support(for: form, settings.levels)
  }

  let picture: PictureForm
  public let distribution: LevelDistribution
  public let order: [Int]
  let first: PixelsBefore
  let layers: [any RecurrentPixelLayer]
  let output: PixelOutput

  public init(_ settings: PixelRNNSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let picture = PictureForm(form)
    self.picture = picture
    distribution = PixelLevels.distribution(form, settings.levels, mixture: settings.mixture)
    order = Array(0..<picture.size)
    let isLarge = picture.size >= 150
    let units = settings.units > 0 ? settings.units : isLarge ? 16 : 8
    first = PixelsBefore("first", picture, 2 * units, in: &scope)
    layers = (0..<(settings.layers > 0 ? settings.layers : isLarge ? 4 : 2)).map {
      i -> any RecurrentPixelLayer in
      guard Kind.isDiagonal else { return RowLayer("\(i)", units, in: &scope) }
      return DiagonalLayer("\(i)", units, hasRowsAbove: picture.height > 1, in: &scope)
    }
    output = PixelOutput(2 * units, distribution, in: &scope)
  }

  public func logits(_ rows: Rows) -> Variable {
    picture.numbers(output(layers.reduce(first(picture.pictures(rows.x))) { $1($0) }))
  }
}

/// A 7×7 convolution with mask A, from the picture: what it sees above, and what it sees to the left.
struct PixelsBefore: Sendable {
  /// None for pictures of one row.
  let above: PixelConvolution?
  let left: PixelConvolution

  init(_ name: String, _ picture: PictureForm, _ outputs: Int, in scope: inout ParameterScope) {
    let reach = picture.reach
    (above, left) = scope.within(name) { scope in
      (
        picture.height > 1
          ? PixelConvolution("above", 1, outputs, above: reach - 1, left: reach, right: reach, in: &scope)
          : nil, PixelConvolution("left", 1, outputs, left: reach - 1, in: &scope)
      )
    }
  }

  /// - Parameter x: `[rows, 1, height, width]`
  func callAsFunction(_ x: Variable) -> Variable {
    let beside = left(x.shifted(3))
    return above.map { beside + $0(x.shifted(2)) } ?? beside
  }
}

/// An LSTM whose state is a line of places, each of which sees its neighbours' states of the step before:
/// `[o, f, i, g] = K_is ∗ x + K_ss ∗ h`, `c = σ(f) ⊙ c + σ(i) ⊙ tanh(g)`, `h = σ(o) ⊙ tanh(c)` (equation 3).
struct ConvolutionalLSTM: Sendable {
  /// K_is, with the bias.
  let input: PixelConvolution
  /// K_ss, `[4 · units, units, 1, size]`.
  let recurrent: Slot
  /// How many neighbours it sees on either side.
  private let before: Int
  private let after: Int

  init(
    _ name: String, _ inputs: Int, _ units: Int, left: Int, before: Int, after: Int,
    in scope: inout ParameterScope
  ) {
    self.before = before
    self.after = after
    let size = before + 1 + after
    (input, recurrent) = scope.within(name) { scope in
      (
        PixelConvolution("input", inputs, 4 * units, left: left, in: &scope),
        scope.parameter("recurrent", [4 * units, units, 1, size]) { random, count in
          Initializer.glorot.values(count, inputs: units * size, outputs: units * size, random: &random)
        }
      )
    }
  }

  var units: Int { recurrent.shape[1] }

  /// What the next step sees of the states `[rows, units, 1, places]`: `[rows, 4 · units, 1, places]`.
  ///
  /// - Parameter isWhole: whether zeros lie beside the places; otherwise only places with all their neighbours are computed.
  func seen(_ hidden: Variable, isWhole: Bool = true) -> Variable {
    convolve2d(
      hidden, hidden.tape[recurrent],
      window: Window(
        rows: .init(size: 1),
        columns: .init(size: before + 1 + after, before: isWhole ? before : 0, after: isWhole ? after : 0)))
  }

  /// - Parameter gates: all that goes into them, `[rows, 4 · units, 1, places]`.
  func step(_ gates: Variable, cell: Variable?) -> (hidden: Variable, cell: Variable) {
    let open = sigmoid(gates[1, 0..<3 * units]).split(1, into: 3)
    let fresh = open[2] * tanh(gates[1, 3 * units..<4 * units])
    let cell = cell.map { open[1] * $0 + fresh } ?? fresh
    return (open[0] * tanh(cell), cell)
  }

  /// Over the steps of `z = K_is ∗ x`, `[rows, 4 · units, steps, places]`: all hidden states, `[rows, units, steps, places]`.
  func scan(_ z: Variable, fromEnd: Bool = false) -> Variable {
    let (rows, steps, places) = (z.shape[0], z.shape[2], z.shape[3])
    // Each step's numbers side by side.
    let all = z.transposed(1, 2).transposed(0, 1).contiguous()
    var state: (hidden: Variable, cell: Variable)?
    var outputs: [Variable] = []
    for i in 0..<steps {
      let at = fromEnd ? steps - 1 - i : i
      let own = all[0, at..<at + 1].reshaped([rows, 4 * units, 1, places])
      let next = step(state.map { own + seen($0.hidden) } ?? own, cell: state?.cell)
      outputs.append(next.hidden.reshaped([1, rows, units, places]))
      state = next
    }
    return concatenate(fromEnd ? outputs.reversed() : outputs, axis: 0).transposed(0, 1).transposed(1, 2)
  }
}
