public import Gradients
import Networks
import Tensors

/// What can be chosen about a PixelCNN.
public struct PixelCNNSettings: ModelSettings {
  /// Feature maps of each stack; 0 for what suits the size of the picture.
  public var channels = 0
  /// Gated layers; 0 for what suits the size of the picture.
  public var layers = 0
  /// Grey levels of a pixel; 0 for bits, or 32 levels where rows are real numbers.
  public var levels = 0
  /// Parts of a mixture of logistic distributions by which grey levels are foretold; 0 for a probability of each level of its own.
  public var mixture = 0

  public init() {}
  public func check() throws(FitError) {
    try PixelLevels.check(levels, mixture: mixture, [("channels", channels, 1024), ("layers", layers, 100)])
  }
}

/// The gated PixelCNN: `p(x) = Π p(x_i | those above and to the left)` from masked convolutions in two stacks, of which one sees all
/// rows above and the other the begin of the own row, so that together they see everything before and nothing else (van den
/// Oord et al. 2016, Conditional image generation with PixelCNN decoders, figure 2).
///
/// The first layer's mask A (a pixel does not see itself) is a picture moved by one place: down for the vertical stack, to
/// the right for the horizontal one; then all kernels may see their own place.
public struct PixelCNN: CategoricalDesign, ConditionalDesign {
  public static let name = "pixelcnn"
  public static var training: TrainingSettings { .pixels }
  public static func support(for form: RowForm, _ settings: PixelCNNSettings) -> Support {
    PixelLevels.support(for: form, settings.levels)
  }

  let picture: PictureForm
  public let distribution: LevelDistribution
  public let classes: Int
  public let order: [Int]
  let layers: [GatedPixelLayer]
  let output: PixelOutput

  public init(_ settings: PixelCNNSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let picture = PictureForm(form)
    self.picture = picture
    distribution = PixelLevels.distribution(form, settings.levels, mixture: settings.mixture)
    classes = form.classes
    order = Array(0..<picture.size)
    let isLarge = picture.size >= 150
    let channels = settings.channels > 0 ? settings.channels : isLarge ? 24 : 16
    let count = settings.layers > 0 ? settings.layers : isLarge ? 7 : 3
    layers = (0..<count).map { i in
      GatedPixelLayer(
        "\(i)", i == 0 ? 1 : channels, channels, reach: i == 0 ? picture.reach : 1, isFirst: i == 0,
        classes: form.classes,
        hasRowsAbove: picture.height > 1, in: &scope)
    }
    output = PixelOutput(channels, distribution, in: &scope)
  }

  public func logits(_ rows: Rows) -> Variable {
    let x = picture.pictures(rows.x)
    var (vertical, horizontal) = (x.shifted(2), x.shifted(3))
    for layer in layers {
      let above = layer.vertical(vertical, labels: rows.labels)
      horizontal = layer.horizontal(horizontal, across: above.across, labels: rows.labels)
      vertical = above.features ?? vertical
    }
    return picture.numbers(output(horizontal))
  }
}

/// One layer of both stacks: `y = tanh(W_f ∗ x + V_f c) ⊙ σ(W_g ∗ x + V_g c)`, with c the class (equation 4), and in the horizontal
/// stack what the vertical one saw, and a residual connection.
struct GatedPixelLayer: Sendable {
  /// None for pictures of one row.
  let vertical: PixelConvolution?
  let across: PixelConvolution?
  let horizontal: PixelConvolution
  let merge: PixelConvolution
  /// Per class, for both stacks: `[classes, 2 · channels]`.
  let classes: [Slot]
  private let isResidual: Bool

  /// - Parameters:
  ///   - reach: how far a kernel sees into each direction.
  ///   - isFirst: whether x is the picture itself, moved by one place, which a kernel sees as that much less far.
  init(
    _ name: String, _ inputs: Int, _ channels: Int, reach: Int, isFirst: Bool, classes: Int,
    hasRowsAbove: Bool,
    in scope: inout ParameterScope
  ) {
    isResidual = inputs == channels && !isFirst
    let before = isFirst ? reach - 1 : reach
    (vertical, across, horizontal, merge, self.classes) = scope.within(name) { scope in
      (
        hasRowsAbove
          ? PixelConvolution(
            "vertical", inputs, 2 * channels, above: before, left: reach, right: reach, in: &scope) : nil,
        hasRowsAbove ? PixelConvolution("across", 2 * channels, 2 * channels, in: &scope) : nil,
        PixelConvolution("horizontal", inputs, 2 * channels, left: before, in: &scope),
        PixelConvolution("merge", channels, channels, in: &scope),
        classes == 0
          ? []
          : ["vertical", "horizontal"].map { scope.parameter("classes.\($0)", [classes, 2 * channels]) }
      )
    }
  }

  var channels: Int { merge.outputs }

  /// What the stack sees from the rows above: for the horizontal stack, and for the next layer.
  func vertical(_ x: Variable, labels: Variable?, hasPast: Bool = false) -> (
    features: Variable?, across: Variable?
  ) {
    guard let vertical, let across else { return (nil, nil) }
    let seen = vertical(x, hasPast: hasPast)
    return (gate(seen, classes.first, labels), across(seen))
  }

  /// - Parameter across: what the vertical stack saw.
  func horizontal(_ x: Variable, across: Variable?, labels: Variable?, hasPast: Bool = false) -> Variable {
    var seen = horizontal(x, hasPast: hasPast)
    if let across { seen = seen + across }
    let merged = merge(gate(seen, classes.last, labels))
    guard isResidual else { return merged }
    // The place itself lies behind its past.
    return merged + (hasPast ? x[3, x.shape[3] - 1..<x.shape[3]] : x)
  }

  private func gate(_ x: Variable, _ classes: Slot?, _ labels: Variable?) -> Variable {
    var x = x
    if let classes, let labels {
      x = x + gather(x.tape[classes], labels).reshaped([x.shape[0], x.shape[1], 1, 1])
    }
    let halves = x.split(1, into: 2)
    return tanh(halves[0]) * sigmoid(halves[1])
  }
}
