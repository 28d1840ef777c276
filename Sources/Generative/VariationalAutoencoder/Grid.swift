import Gradients
import Networks
import Tensors

/// The places of a row's codes.
struct Grid: Sendable {
  let height: Int
  let width: Int
  /// Of a picture that is encoded by convolutions.
  let sizes: PictureSizes?

  init(_ form: RowForm, _ settings: VQVAESettings) {
    sizes = form.isPicture ? PictureSizes(form, halvings: settings.channels.count) : nil
    (height, width) = sizes?.smallest ?? (1, settings.places)
  }

  var places: Int { height * width }
}

/// From rows `[rows, width]` to one vector per place, `[rows · places, dimension]`.
struct GridEncoder: Sendable {
  private let dimension: Int
  private let convolutions: PictureEncoder?
  private let last: Convolution2D?
  private let perceptron: Perceptron?

  init(_ grid: Grid, _ form: RowForm, _ settings: VQVAESettings, in scope: inout ParameterScope) {
    dimension = settings.dimension
    guard let sizes = grid.sizes else {
      (convolutions, last) = (nil, nil)
      perceptron = Perceptron(
        "encoder", sizes: [form.width, settings.units(form), grid.places * dimension], hidden: .relu,
        in: &scope)
      return
    }
    perceptron = nil
    let channels = settings.channels
    convolutions = PictureEncoder(sizes, channels: channels, in: &scope)
    last = Convolution2D("toVectors", channels[channels.count - 1], dimension, size: 3, in: &scope)
  }

  func callAsFunction(_ x: Variable) -> Variable {
    if let perceptron {
      let y = perceptron(x)
      return y.reshaped([y.shape.size / dimension, dimension])
    }
    guard let convolutions, let last else { return x }
    let y = last(convolutions(x))
    return y.transposed(1, 2).transposed(2, 3).contiguous().reshaped([y.shape.size / dimension, dimension])
  }
}

/// From vectors `[rows · places, dimension]` to the output that the distribution of rows takes, `[rows, width]`.
struct GridDecoder: Sendable {
  private let grid: Grid
  private let dimension: Int
  private let first: Convolution2D?
  private let convolutions: PictureDecoder?
  private let perceptron: Perceptron?

  init(_ grid: Grid, _ form: RowForm, _ settings: VQVAESettings, in scope: inout ParameterScope) {
    self.grid = grid
    dimension = settings.dimension
    guard let sizes = grid.sizes else {
      (first, convolutions) = (nil, nil)
      perceptron = Perceptron(
        "decoder", sizes: [grid.places * dimension, settings.units(form), form.width], hidden: .relu,
        in: &scope)
      return
    }
    perceptron = nil
    let channels = settings.channels
    first = Convolution2D(
      "fromVectors", dimension, channels[channels.count - 1], size: 3, activation: .relu, in: &scope)
    convolutions = PictureDecoder(sizes, channels: channels.reversed(), in: &scope)
  }

  func callAsFunction(_ vectors: Variable) -> Variable {
    let rows = vectors.shape[0] / grid.places
    if let perceptron { return perceptron(vectors.reshaped([rows, grid.places * dimension])) }
    guard let first, let convolutions else { return vectors }
    let y = vectors.reshaped([rows, grid.height, grid.width, dimension])
    return convolutions(first(y.transposed(2, 3).transposed(1, 2).contiguous()))
  }
}

extension VQVAESettings {
  fileprivate func units(_ form: RowForm) -> Int {
    hidden > 0 ? hidden : max(32, min(256, 4 * form.width))
  }
}
