import Gradients
import Networks
import Tensors
import Testing

/// One layer as the fixtures know it: how it is made, and under which names its parameters are theirs.
struct LayerCase: Sendable, CustomTestStringConvertible {
  /// Where a parameter comes from: the sum of these of theirs, perhaps transposed.
  struct Source: Sendable {
    let theirs: [String]
    let isTransposed: Bool
    init(_ theirs: String..., transposed: Bool = false) {
      self.theirs = theirs
      isTransposed = transposed
    }
    func value(_ all: [String: Fixtures.Numbers]) -> Tensor? {
      let tensors = theirs.compactMap { all[$0]?.tensor }
      guard let first = tensors.first, tensors.count == theirs.count else { return nil }
      let sum = tensors.dropFirst().reduce(first.values) { zip($0, $1.values).map { $0 + $1 } }
      let tensor = Tensor(sum, shape: first.shape)
      return isTransposed ? Tensor(tensor.transposed.values, shape: tensor.transposed.shape) : tensor
    }
    /// All of theirs get the same gradient.
    func gradient(_ all: [String: Fixtures.Numbers]) -> Tensor? {
      guard let tensor = all[theirs[0]]?.tensor else { return nil }
      return isTransposed ? Tensor(tensor.transposed.values, shape: tensor.transposed.shape) : tensor
    }
  }

  let name: String
  var inputs = ["x"]
  /// Where a difference quotient means nothing.
  var hasCorners = false
  let sources: [String: Source]
  let make: @Sendable (inout ParameterScope) -> @Sendable ([Variable]) -> Variable

  var testDescription: String { name }

  static func plain(_ layer: String = "l") -> [String: Source] {
    ["\(layer).weight": Source("weight"), "\(layer).bias": Source("bias")]
  }
  static let dense: [String: Source] = [
    "l.weight": Source("weight", transposed: true), "l.bias": Source("bias"),
  ]
  static let affine: [String: Source] = ["l.scale": Source("weight"), "l.shift": Source("bias")]
  static func recurrent(_ bias: Source) -> [String: Source] {
    [
      "l.input": Source("weight_ih_l0", transposed: true),
      "l.recurrent": Source("weight_hh_l0", transposed: true), "l.bias": bias,
    ]
  }
  static let attention: [String: Source] = [
    "l.projection.weight": Source("in_proj_weight", transposed: true),
    "l.projection.bias": Source("in_proj_bias"),
    "l.output.weight": Source("out_proj.weight", transposed: true), "l.output.bias": Source("out_proj.bias"),
  ]
  static let bothBiases = Source("bias_ih_l0", "bias_hh_l0")

  static let all: [LayerCase] = [
    LayerCase(name: "dense", sources: dense) { scope in
      let l = Dense("l", 3, 4, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv1d", sources: plain()) { scope in
      let l = Convolution1D("l", 2, 3, size: 3, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv1d strided", sources: plain()) { scope in
      let l = Convolution1D("l", 2, 3, size: 3, stride: 2, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv1d dilated", sources: plain()) { scope in
      let l = Convolution1D("l", 2, 3, size: 3, dilation: 2, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv1d causal", sources: plain()) { scope in
      let l = Convolution1D("l", 2, 3, size: 3, dilation: 2, padding: .causal, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 3, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d strided", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 3, stride: 2, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d dilated", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 3, dilation: 2, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d grouped by one", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 1, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d masked A", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 3, mask: .beforeMiddle, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "conv2d masked B", sources: plain()) { scope in
      let l = Convolution2D("l", 2, 3, size: 3, mask: .upToMiddle, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "transposed conv1d", sources: plain()) { scope in
      let l = TransposedConvolution1D("l", 3, 2, size: 4, stride: 2, padding: 1, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "transposed conv2d", sources: plain()) { scope in
      let l = TransposedConvolution2D("l", 3, 2, size: 4, stride: 2, padding: 1, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "embedding", inputs: ["indices"], sources: ["l.table": Source("weight")]) { scope in
      let l = Embedding("l", symbols: 5, width: 4, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "layer norm", sources: affine) { scope in
      let l = LayerNorm("l", 6, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "group norm", sources: affine) { scope in
      let l = GroupNorm("l", groups: 2, channels: 4, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "instance norm", sources: affine) { scope in
      let l = GroupNorm.instance("l", channels: 3, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "batch norm", sources: affine) { scope in
      let l = BatchNorm("l", channels: 3, in: &scope)
      return { l($0[0], isTraining: true) }
    },
    LayerCase(name: "batch norm 2d", sources: affine) { scope in
      let l = BatchNorm("l", channels: 2, in: &scope)
      return { l($0[0], isTraining: true) }
    },
    LayerCase(
      name: "weight norm",
      sources: [
        "l.direction": Source("v", transposed: true), "l.length": Source("g"), "l.bias": Source("bias"),
      ]
    ) { scope in
      let l = WeightNormalizedDense("l", 3, 4, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "rnn", sources: recurrent(bothBiases)) { scope in
      let l = RNN("l", 3, 4, in: &scope)
      return { l($0[0]).outputs }
    },
    LayerCase(name: "rnn relu", hasCorners: true, sources: recurrent(bothBiases)) { scope in
      let l = RNN("l", 3, 4, .relu, in: &scope)
      return { l($0[0]).outputs }
    },
    LayerCase(name: "lstm", sources: recurrent(bothBiases)) { scope in
      let l = LSTM("l", 3, 4, in: &scope)
      return { l($0[0]).outputs }
    },
    LayerCase(
      name: "gru",
      sources: recurrent(Source("bias_ih_l0")).merging(["l.recurrentBias": Source("bias_hh_l0")]) { $1 }
    ) { scope in
      let l = GRU("l", 3, 4, in: &scope)
      return { l($0[0]).outputs }
    },
    LayerCase(name: "attention", sources: attention) { scope in
      let l = MultiHeadAttention("l", width: 4, heads: 2, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(name: "attention causal", sources: attention) { scope in
      let l = MultiHeadAttention("l", width: 4, heads: 2, isCausal: true, in: &scope)
      return { l($0[0]) }
    },
    LayerCase(
      name: "adaptive instance norm", inputs: ["x", "style"],
      sources: ["l.style.weight": Source("weight", transposed: true), "l.style.bias": Source("bias")]
    ) { scope in
      let l = AdaptiveInstanceNorm("l", channels: 3, style: 5, in: &scope)
      return { l($0[0], style: $0[1]) }
    },
    LayerCase(
      name: "modulated conv2d", inputs: ["x", "style"],
      sources: [
        "l.convolution.weight": Source("weight"),
        "l.style.weight": Source("affine.weight", transposed: true), "l.style.bias": Source("affine.bias"),
      ]
    ) { scope in
      let l = ModulatedConvolution("l", 2, 3, size: 3, style: 5, in: &scope)
      return { l($0[0], style: $0[1]) }
    },
  ]
}

/// A layer with the parameters of a fixture, on tapes of one buffer.
struct MadeLayer {
  let fixture: Fixtures.Layer
  let buffer: ParameterBuffer
  let inputs: [Tensor]
  let function: ([Variable]) -> Variable
  let test: LayerCase

  init?(_ test: LayerCase, _ fixtures: [Fixtures.Layer]) {
    guard let fixture = fixtures.first(where: { $0.name == test.name }) else { return nil }
    var scope = ParameterScope(seed: 1)
    function = test.make(&scope)
    var parameters = scope.parameters
    for entry in parameters.entries where entry.slot.isTrained {
      guard let value = test.sources[entry.name]?.value(fixture.parameters),
        value.count == entry.slot.shape.size
      else { return nil }
      parameters[entry.slot] = value.reshaped(entry.slot.shape)
    }
    self.fixture = fixture
    buffer = ParameterBuffer(parameters)
    inputs = test.inputs.compactMap { fixture.inputs[$0]?.tensor }
    self.test = test
  }

  /// The layer on a new tape: its inputs, the variables that can be differentiated by, and its output.
  func record() -> (tape: Tape, targets: [Variable], output: Variable) {
    let tape = Tape(buffer)
    let x = inputs.map { tape.input($0) }
    let output = function(x)
    // Indices are no numbers to be moved.
    let moved = test.inputs.first == "indices" ? [] : x
    return (tape, moved + buffer.entries.filter(\.slot.isTrained).map { tape[$0.slot] }, output)
  }
}
