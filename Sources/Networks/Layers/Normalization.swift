public import Gradients
import Tensors

/// `(x - mean) / √(variance + ε)` over some axes.
func normalised(_ x: Variable, over axes: [Int], epsilon: Float) -> Variable {
  let count = Float(x.shape.size) / Float(max(x.shape.reducing(axes, keepingAxes: true).size, 1))
  let centred = x - x.total(axes) * (1 / count)
  let variance = centred.squared().total(axes) * (1 / count)
  return centred / sqrt(variance + epsilon)
}

extension Variable {
  /// The sum over some axes, which are left as 1.
  func total(_ axes: [Int]) -> Variable {
    axes.reduce(self) { $0.sum($1, keepingAxes: true) }
  }
}

/// Scale and shift per channel, `[channels]`, for x `[rows, channels, …]` or with the channels as last axis.
struct ChannelAffine: Sendable {
  let scale: Slot
  let shift: Slot

  init(_ channels: Int, in scope: inout ParameterScope) {
    scale = scope.parameter("scale", [channels], repeating: 1)
    shift = scope.parameter("shift", [channels])
  }

  func callAsFunction(_ x: Variable, axis: Int) -> Variable {
    let along = { (v: Variable) in v.along(axis, of: x) }
    return x * along(x.tape[scale]) + along(x.tape[shift])
  }
}

extension Variable {
  /// A vector as the only long axis of a shape that spreads to that of `x`.
  func along(_ axis: Int, of x: Variable) -> Variable {
    let axis = x.shape.axis(axis)
    if axis == x.shape.rank - 1 { return self }
    return reshaped(Shape([shape[0]] + [Int](repeating: 1, count: x.shape.rank - 1 - axis)))
  }
}

/// Each row to mean 0 and variance 1 over its last axis, then scaled and shifted (Ba et al. 2016).
public struct LayerNorm: Sendable {
  let affine: ChannelAffine
  public let epsilon: Float

  public init(_ name: String, _ width: Int, epsilon: Float = 1e-5, in scope: inout ParameterScope) {
    affine = scope.within(name) { ChannelAffine(width, in: &$0) }
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    layerNorm(x, scale: x.tape[affine.scale], shift: x.tape[affine.shift], epsilon: epsilon)
  }
}

/// Each image's groups of channels to mean 0 and variance 1 (Wu & He 2018): x `[rows, channels, …]`.
///
/// With as many groups as channels this is instance normalisation (Ulyanov et al. 2016), with one group layer
/// normalisation over whole images.
public struct GroupNorm: Sendable {
  let affine: ChannelAffine?
  public let groups: Int
  public let channels: Int
  public let epsilon: Float

  /// - Precondition: the channels divide into the groups.
  public init(
    _ name: String, groups: Int, channels: Int, epsilon: Float = 1e-5, hasAffine: Bool = true,
    in scope: inout ParameterScope
  ) {
    precondition(groups > 0 && channels % groups == 0, "\(channels) channels in \(groups) groups")
    affine = hasAffine ? scope.within(name) { ChannelAffine(channels, in: &$0) } : nil
    self.groups = groups
    self.channels = channels
    self.epsilon = epsilon
  }

  /// Every channel of every image by itself.
  public static func instance(
    _ name: String, channels: Int, epsilon: Float = 1e-5, hasAffine: Bool = true,
    in scope: inout ParameterScope
  ) -> GroupNorm {
    GroupNorm(
      name, groups: channels, channels: channels, epsilon: epsilon, hasAffine: hasAffine, in: &scope)
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    precondition(x.shape.rank >= 2 && x.shape[1] == channels, "\(channels) channels, but x is \(x.shape)")
    let rows = x.reshaped([x.shape[0], groups, x.shape.size / max(x.shape[0] * groups, 1)])
    let y = normalised(rows, over: [2], epsilon: epsilon).reshaped(x.shape)
    return affine.map { $0(y, axis: 1) } ?? y
  }
}

/// Each channel to mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015): x `[rows, channels]` or
/// `[rows, channels, …]`.
///
/// While training, the running mean and variance follow the batches'; afterwards they take their place.
public struct BatchNorm: Sendable {
  let affine: ChannelAffine
  let mean: Slot
  let variance: Slot
  public let channels: Int
  /// How far the running statistics go towards a batch's.
  public let momentum: Float
  public let epsilon: Float

  public init(
    _ name: String, channels: Int, momentum: Float = 0.1, epsilon: Float = 1e-5,
    in scope: inout ParameterScope
  ) {
    (affine, mean, variance) = scope.within(name) { scope in
      (
        ChannelAffine(channels, in: &scope), scope.statistic("mean", [channels]),
        scope.statistic("variance", [channels], repeating: 1)
      )
    }
    self.channels = channels
    self.momentum = momentum
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Variable, isTraining: Bool) -> Variable {
    precondition(x.shape.rank >= 2 && x.shape[1] == channels, "\(channels) channels, but x is \(x.shape)")
    guard isTraining else {
      let deviation = sqrt(x.tape[variance] + epsilon)
      let y = (x - x.tape[mean].along(1, of: x)) / deviation.along(1, of: x)
      return affine(y, axis: 1)
    }
    let axes = [0] + Array(2..<max(x.shape.rank, 2))
    let count = Float(x.shape.size / max(channels, 1))
    let average = x.total(axes) * (1 / count)
    let centred = x - average
    let spread = centred.squared().total(axes) * (1 / count)
    // PyTorch's running variance is the unbiased one.
    follow(mean, average)
    follow(variance, spread * (count / max(count - 1, 1)))
    return affine(centred / sqrt(spread + epsilon), axis: 1)
  }

  private func follow(_ slot: Slot, _ value: Variable) {
    let running = value.tape[slot]
    let next = running * (1 - momentum) + value.withoutGradient().reshaped([channels]) * momentum
    value.tape.update(slot, next)
  }
}
