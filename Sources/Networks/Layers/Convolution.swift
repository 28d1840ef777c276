public import Gradients
import Tensors

/// How a convolution meets the borders of its input.
public enum Padding: Sendable, Equatable {
  /// Nothing beside the input: the output is smaller.
  case none
  /// Zeros on both sides, so that with a stride of 1 and an odd kernel the output is as large as the input.
  case same
  /// Zeros before the input only: no output sees what comes after its place (van den Oord et al. 2016).
  case causal
  /// This many zeros on both sides.
  case zeros(Int)

  /// The window along one axis.
  func axis(size: Int, stride: Int, dilation: Int) -> Window.Axis {
    let reach = (size - 1) * dilation
    let (before, after) =
      switch self {
      case .none: (0, 0)
      case .same: (reach / 2, reach - reach / 2)
      case .causal: (reach, 0)
      case .zeros(let count): (count, count)
      }
    return Window.Axis(size: size, stride: stride, dilation: dilation, before: before, after: after)
  }
}

/// Which part of a square kernel is used, for models that make images pixel by pixel (van den Oord et al. 2016).
public enum KernelMask: Sendable, Equatable {
  case all
  /// What comes before the middle in reading order.
  case beforeMiddle
  /// The same and the middle. The paper's masks A and B.
  case upToMiddle

  /// Whether each place of the kernel is used, in reading order; empty for all.
  func taps(size: Int) -> [Bool] {
    let middle = size * size / 2
    return switch self {
    case .all: []
    case .beforeMiddle: (0..<size * size).map { $0 < middle }
    case .upToMiddle: (0..<size * size).map { $0 <= middle }
    }
  }
}

/// Convolution of images: x `[rows, inputs, height, width]`, weight `[outputs, inputs, size, size]`, bias `[outputs]`.
public struct Convolution2D: Sendable {
  public let weight: Slot
  public let bias: Slot?
  public let size: Int
  public let stride: Int
  public let dilation: Int
  public let padding: Padding
  public let mask: KernelMask
  public let activation: Activation

  /// - Precondition: a mask goes with an odd size, and size, stride and dilation are at least 1.
  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int = 1, dilation: Int = 1,
    padding: Padding = .same, mask: KernelMask = .all, activation: Activation = .identity,
    hasBias: Bool = true, initializer: Initializer? = nil, in scope: inout ParameterScope
  ) {
    precondition(
      size > 0 && stride > 0 && dilation > 0 && (mask == .all || size % 2 == 1),
      "a convolution of size \(size), stride \(stride), dilation \(dilation)")
    self.size = size
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.mask = mask
    self.activation = activation
    let used = mask == .all ? size * size : mask.taps(size: size).count(where: { $0 })
    let initializer = initializer ?? activation.initializer
    (weight, bias) = scope.within(name) { scope in
      let weight = scope.parameter("weight", [outputs, inputs, size, size]) { random, count in
        initializer.values(
          count, inputs: inputs * used, outputs: outputs * used, random: &random)
      }
      return (weight, hasBias ? scope.parameter("bias", [outputs]) : nil)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let axis = padding.axis(size: size, stride: stride, dilation: dilation)
    let y = convolve2d(
      x, x.tape[weight], bias: bias.map { x.tape[$0] }, window: Window(rows: axis, columns: axis),
      taps: mask.taps(size: size))
    return activation(y)
  }

  /// The sum of the squared kernel, `[outputs, inputs]`.
  ///
  /// - Precondition: the kernel has no mask.
  func power(on tape: Tape) -> Variable {
    precondition(mask == .all, "the power of a masked kernel")
    return tape[weight].squared().sum(2, 3)
  }
}

/// Convolution of sequences: x `[rows, inputs, times]`, weight `[outputs, inputs, size]`, bias `[outputs]`.
public struct Convolution1D: Sendable {
  public let weight: Slot
  public let bias: Slot?
  public let size: Int
  public let stride: Int
  public let dilation: Int
  public let padding: Padding
  public let activation: Activation

  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int = 1, dilation: Int = 1,
    padding: Padding = .same, activation: Activation = .identity, hasBias: Bool = true,
    initializer: Initializer? = nil, in scope: inout ParameterScope
  ) {
    precondition(
      size > 0 && stride > 0 && dilation > 0,
      "a convolution of size \(size), stride \(stride), dilation \(dilation)")
    self.size = size
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.activation = activation
    let initializer = initializer ?? activation.initializer
    (weight, bias) = scope.within(name) { scope in
      let weight = scope.parameter("weight", [outputs, inputs, size]) { random, count in
        initializer.values(count, inputs: inputs * size, outputs: outputs * size, random: &random)
      }
      return (weight, hasBias ? scope.parameter("bias", [outputs]) : nil)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let window = Window(
      rows: Window.Axis(size: 1), columns: padding.axis(size: size, stride: stride, dilation: dilation))
    // As images of one line.
    let y = convolve2d(
      x.inserting(2), x.tape[weight].inserting(2), bias: bias.map { x.tape[$0] }, window: window)
    return activation(y.reshaped([y.shape[0], y.shape[1], y.shape[3]]))
  }
}
