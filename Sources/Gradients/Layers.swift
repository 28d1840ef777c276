import Tensors

/// What follows a product in a fused layer.
public enum Nonlinearity: UInt8, Sendable {
  case identity, tanh, relu, sigmoid

  func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .identity: x
    case .tanh: Gradients.tanh(x)
    case .relu: Gradients.relu(x)
    case .sigmoid: Gradients.sigmoid(x)
    }
  }
}

/// `f(x W + b)` of the last axis: x `[…, inputs]`, W `[inputs, outputs]`, b `[outputs]`.
public func dense(_ x: Variable, _ w: Variable, _ b: Variable?, _ f: Nonlinearity = .identity) -> Variable {
  let y = matmul(x, w)
  return f(b.map { y + $0 } ?? y)
}

/// Each row to mean 0 and variance 1 over the last axis, then scaled and shifted (Ba et al. 2016).
public func layerNorm(_ x: Variable, scale: Variable, shift: Variable, epsilon: Float = 1e-5) -> Variable {
  let centred = x - x.mean(-1, keepingAxes: true)
  let deviation = sqrt(centred.squared().mean(-1, keepingAxes: true) + epsilon)
  return centred / deviation * scale + shift
}

/// The weights of attention: `softmax(x · factor)` of every row `[…, queries, keys]`; when causal, a query sees no key
/// after it (the last query stands at the last key).
struct AttentionWeights: Operation {
  let factor: Float
  let isCausal: Bool
  func forward(_ x: Operands, into y: View) {
    Softmax.attention(x[0], factor: factor, isCausal: isCausal, into: y)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    let product = at.gradient * at.output
    return [(product - at.output * product.sum(-1, keepingAxes: true)) * factor]
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    [at.output.record(AttentionWeightsBackward(factor: factor), at.gradient.contiguous())]
  }
}

struct AttentionWeightsBackward: Terminal {
  let factor: Float
  func forward(_ x: Operands, into y: View) {
    Softmax.softmaxBackward(output: x[0], x[1], into: y)
    Elementwise.affine(y, factor: factor, offset: 0, into: y)
  }
}

/// `softmax(q kᵀ / √width) v` (Vaswani et al. 2017): q `[…, queries, width]`, k and v `[…, keys, width]`.
public func attention(_ q: Variable, _ k: Variable, _ v: Variable, isCausal: Bool = false) -> Variable {
  let width = q.shape[q.shape.rank - 1]
  let weights = matmul(q, k, transposedB: true)
    .record(AttentionWeights(factor: 1 / Float(width).squareRoot(), isCausal: isCausal))
  return matmul(weights, v)
}

/// The same as ``crossEntropy(_:classes:)``.
public func softmaxCrossEntropy(_ logits: Variable, _ classes: Variable) -> Variable {
  crossEntropy(logits, classes: classes)
}
