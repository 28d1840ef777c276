import Tensors

/// What follows a product in a fused layer.
public enum Nonlinearity: UInt8, Sendable {
  case identity, tanh, relu, sigmoid

  var function: UnaryFunction {
    switch self {
    case .identity: .identity
    case .tanh: .tanh
    case .relu: .relu
    case .sigmoid: .sigmoid
    }
  }

  func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .identity: x
    case .tanh: Gradients.tanh(x)
    case .relu: Gradients.relu(x)
    case .sigmoid: Gradients.sigmoid(x)
    }
  }

  /// The derivative where the result is `y`.
  func slope(_ y: Variable) -> Variable {
    switch self {
    case .identity: y.tape.input(Tensor(repeating: 1, shape: []))
    case .tanh: 1 - y.squared()
    case .relu: y.record(Sign())
    case .sigmoid: y * (1 - y)
    }
  }
}

/// `f(x W + b)`: one product that begins with the bias, then the function in place.
struct DenseLayer: Operation {
  let nonlinearity: Nonlinearity
  let hasBias: Bool
  func shape(_ x: [Shape]) -> Shape {
    precondition(
      x[0].rank == 2 && x[1].rank == 2 && x[0][1] == x[1][0] && (!hasBias || x[2] == [x[1][1]]),
      "a layer of \(x[0]) with weights \(x[1]) and bias \(hasBias ? "\(x[2])" : "none")")
    return [x[0][0], x[1][1]]
  }
  func forward(_ x: Operands, into y: View) {
    Product.multiply(x[0], x[1], bias: hasBias ? x[2] : nil, into: y, workers: x.workers)
    if nonlinearity != .identity { Elementwise.apply(nonlinearity.function, y, into: y) }
  }
  // From δ, the loss by what the function took: dx = δ Wᵀ, dW = xᵀ δ, db = Σ δ.
  func derivative(_ at: Chain) -> [Variable?] {
    let delta = nonlinearity == .identity ? at.gradient : at.gradient * nonlinearity.slope(at.output)
    let products = [
      at.by(0) { matmul(delta, at[1], transposedB: true) },
      at.by(1) { matmul(at[0], delta, transposedA: true) },
    ]
    return hasBias ? products + [at.by(2) { delta.summed(to: at[2].shape) }] : products
  }
  var name: String { nonlinearity == .identity ? "Dense" : "Dense(\(nonlinearity))" }
}

extension DenseLayer: MultiplyingOperation {
  func parts(_ at: Chain) -> [Assemble.Part?] {
    let backward = FunctionBackward(function: nonlinearity.function, parameter: 1)
    let delta =
      nonlinearity == .identity ? at.gradient : at.output.record(backward, at.gradient.contiguous())
    let products: [Assemble.Part?] = [
      at.needs(0) ? .product(delta, at[1].transposed()) : nil,
      at.needs(1) ? .product(at[0].transposed(), delta) : nil,
    ]
    return hasBias ? products + [at.by(2) { delta.summed(to: at[2].shape) }.map { .whole($0) }] : products
  }
}

/// `f(x W + b)` of the last axis: x `[…, inputs]`, W `[inputs, outputs]`, b `[outputs]`.
public func dense(_ x: Variable, _ w: Variable, _ b: Variable?, _ f: Nonlinearity = .identity) -> Variable {
  let inputs = x.shape[x.shape.rank - 1]
  let rows = x.shape.rank == 2 ? x : x.reshaped([x.shape.size / Swift.max(inputs, 1), inputs])
  let operation = DenseLayer(nonlinearity: f, hasBias: b != nil)
  let y = x.tape.record(operation, [rows, w] + (b.map { [$0] } ?? []))
  return x.shape.rank == 2 ? y : y.reshaped(x.shape.replacing(-1, with: w.shape[1]))
}
