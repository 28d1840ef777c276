import Gradients
import Networks
import Tensors

/// How the numbers of a row lie in a picture: any other row is a picture of height 1.
struct PictureForm: Sendable, Equatable {
  let height: Int
  let width: Int

  init(_ form: RowForm) {
    width = form.shape.last ?? 1
    height = form.width / max(width, 1)
  }

  var size: Int { height * width }

  /// How far the first layer sees into each direction: a 7×7 kernel. A line of numbers has no second dimension through which
  /// the rest comes in, and is seen further at once.
  var reach: Int { height > 1 ? 3 : max(3, min(width - 1, 15)) }

  /// Rows `[rows, height · width]` as pictures of one channel, `[rows, 1, height, width]`.
  func pictures(_ x: Variable) -> Variable { x.reshaped([x.shape[0], 1, height, width]) }

  /// What is foretold of each place, `[rows, levels, height, width]`, as `[rows, height · width, levels]`; without the last axis
  /// for bits.
  func numbers(_ y: Variable) -> Variable {
    let flat = y.reshaped([y.shape[0], y.shape[1], size])
    return y.shape[1] == 1 ? flat.reshaped([y.shape[0], size]) : flat.transposed(1, 2)
  }
}

extension Variable {
  /// The picture one place further down (axis 2) or to the right (axis 3), with zeros where nothing was.
  func shifted(_ axis: Int) -> Variable {
    padded(self, (before: 1, after: 0), axes: [axis])[axis, 0..<shape[axis]]
  }
}

/// Two 1×1 convolutions, through a rectifier to the outputs that distributions of pixels are made of.
struct PixelOutput: Sendable {
  private let layers: [PixelConvolution]

  init(_ channels: Int, _ distribution: LevelDistribution, in scope: inout ParameterScope) {
    layers = [
      PixelConvolution("last.0", channels, channels, initializer: .he, in: &scope),
      PixelConvolution("last.1", channels, distribution.outputs, in: &scope),
    ]
  }

  func callAsFunction(_ features: Variable) -> Variable { layers[1](relu(layers[0](relu(features)))) }
}

extension TrainingSettings {
  /// How autoregressive networks of pictures are trained unless somebody chooses otherwise.
  static var pixels: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 30
    training.batch = 32
    training.rate = 2e-3
    training.clip = 1
    training.cosine = true
    return training
  }
}

/// Levels of a pixel, by setting and support: bits stay bits, and real numbers are grey values.
enum PixelLevels {
  static let real = 32

  /// 0 and 2 ask for bits wherever rows are not real numbers.
  static func support(for form: RowForm, _ levels: Int) -> Support {
    form.support == .binary || form.support == .unit && levels <= 2 ? .binary : .unit
  }
  static func count(_ form: RowForm, _ levels: Int) -> Int {
    form.support == .binary ? 2 : levels > 2 ? levels : real
  }
  static func distribution(_ form: RowForm, _ levels: Int, mixture: Int) -> LevelDistribution {
    LevelDistribution(levels: count(form, levels), parts: mixture)
  }

  /// - Parameter sizes: what else is chosen about the layers, by name; 0 for what suits the picture.
  static func check(_ levels: Int, mixture: Int, _ sizes: [(name: String, value: Int, most: Int)])
    throws(FitError)
  {
    for (name, value, most) in sizes + [("mixture", mixture, 100)] where !(0...most).contains(value) {
      throw .setting("\(name) is \(value), not 0 to \(most)")
    }
    guard levels == 0 || (2...256).contains(levels) else {
      throw .setting("levels is \(levels), not 2 to 256, or 0 for what suits the rows")
    }
  }
}
