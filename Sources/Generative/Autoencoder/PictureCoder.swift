import Gradients
import Networks
import Tensors

/// The sizes of a picture that is halved (rounded up) a few times.
struct PictureSizes: Sendable {
  /// From the whole picture to the smallest, height and width.
  let all: [(height: Int, width: Int)]

  init(height: Int, width: Int, halvings: Int) {
    var sizes = [(height: height, width: width)]
    for _ in 0..<halvings {
      let last = sizes[sizes.count - 1]
      sizes.append(((last.height + 1) / 2, (last.width + 1) / 2))
    }
    all = sizes
  }

  /// A row as a picture: a flat one is a picture of one line.
  init(_ form: RowForm, halvings: Int) {
    let flat = form.shape.count == 1
    self.init(
      height: flat ? 1 : form.shape[0], width: flat ? form.width : form.width / form.shape[0],
      halvings: halvings)
  }

  var smallest: (height: Int, width: Int) { all[all.count - 1] }
}

/// Convolutions that halve a picture: rows `[rows, width]` to `[rows, channels, height, width]`.
struct PictureEncoder: Sendable {
  let sizes: PictureSizes
  let layers: [Convolution2D]

  /// - Parameter channels: after each halving.
  init(_ sizes: PictureSizes, channels: [Int], in scope: inout ParameterScope) {
    self.sizes = sizes
    layers = scope.within("encoder") { scope in
      zip([1] + channels, channels).enumerated().map { i, counts in
        Convolution2D("\(i)", counts.0, counts.1, size: 3, stride: 2, activation: .relu, in: &scope)
      }
    }
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let size = sizes.all[0]
    return layers.reduce(x.reshaped([x.shape[0], 1, size.height, size.width])) { $1($0) }
  }
}

/// Transposed convolutions that double a picture, cut to the sizes that the encoder had: `[rows, channels, height, width]` to
/// rows `[rows, width]`, without what follows the last linear part.
struct PictureDecoder: Sendable {
  let sizes: PictureSizes
  let layers: [TransposedConvolution2D]

  /// - Parameter channels: before each doubling.
  init(_ sizes: PictureSizes, channels: [Int], in scope: inout ParameterScope) {
    self.sizes = sizes
    layers = scope.within("decoder") { scope in
      zip(channels, channels.dropFirst() + [1]).enumerated().map { i, counts in
        TransposedConvolution2D(
          "\(i)", counts.0, counts.1, size: 4, stride: 2, padding: 1,
          activation: i == channels.count - 1 ? .identity : .relu, in: &scope)
      }
    }
  }

  func callAsFunction(_ x: Variable) -> Variable {
    var y = x
    for (layer, size) in zip(layers, sizes.all.dropLast().reversed()) {
      y = layer(y)[2, 0..<size.height][3, 0..<size.width]
    }
    return y.reshaped([x.shape[0], sizes.all[0].height * sizes.all[0].width])
  }
}
