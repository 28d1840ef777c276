import Tensors

// Element by element over one shape. Sums of two, products, and functions of one.

struct Add: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].combined(x[1], +) }
  func backward(_ g: Variable, inputs: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [g, g]
  }
}

struct Subtract: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].combined(x[1], -) }
  func backward(_ g: Variable, inputs: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [g, tape.scale(g, by: -1)]
  }
}

struct Multiply: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].combined(x[1], *) }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.multiply(g, x[1]), tape.multiply(g, x[0])]
  }
}

/// `factor · x + offset`
struct Affine: Operation {
  let factor: Float
  let offset: Float
  func forward(_ x: [Tensor]) -> Tensor { x[0].mapped { factor * $0 + offset } }
  func backward(_ g: Variable, inputs: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.scale(g, by: factor)]
  }
}

struct Reciprocal: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].mapped { 1 / $0 } }
  // d(1/x) = -(1/x)²
  func backward(_ g: Variable, inputs: [Variable], output y: Variable, on tape: inout Tape) -> [Variable?] {
    let square = tape.multiply(y, y)
    return [tape.scale(tape.multiply(g, square), by: -1)]
  }
}

struct Tanh: Operation {
  func forward(_ x: [Tensor]) -> Tensor { Tensor(VectorMath.tanh(x[0].values), shape: x[0].shape) }
  // d tanh = 1 - tanh²
  func backward(_ g: Variable, inputs: [Variable], output y: Variable, on tape: inout Tape) -> [Variable?] {
    let square = tape.multiply(y, y)
    return [tape.multiply(g, tape.affine(square, factor: -1, offset: 1))]
  }
}

struct Sigmoid: Operation {
  func forward(_ x: [Tensor]) -> Tensor { Tensor(VectorMath.sigmoid(x[0].values), shape: x[0].shape) }
  // dσ = σ (1 - σ)
  func backward(_ g: Variable, inputs: [Variable], output y: Variable, on tape: inout Tape) -> [Variable?] {
    let rest = tape.affine(y, factor: -1, offset: 1)
    return [tape.multiply(g, tape.multiply(y, rest))]
  }
}

struct Softplus: Operation {
  func forward(_ x: [Tensor]) -> Tensor { Tensor(VectorMath.softplus(x[0].values), shape: x[0].shape) }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.multiply(g, tape.sigmoid(x[0]))]
  }
}

struct Exponential: Operation {
  func forward(_ x: [Tensor]) -> Tensor { Tensor(VectorMath.exp(x[0].values), shape: x[0].shape) }
  func backward(_ g: Variable, inputs: [Variable], output y: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.multiply(g, y)]
  }
}

struct Logarithm: Operation {
  func forward(_ x: [Tensor]) -> Tensor { Tensor(VectorMath.log(x[0].values), shape: x[0].shape) }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.multiply(g, tape.reciprocal(x[0]))]
  }
}

/// `max(x, 0)`; its derivative at 0 is taken as 0.
struct ReLU: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].mapped { max($0, 0) } }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    let step = tape.variable(tape[x[0]].mapped { $0 > 0 ? 1 : 0 })  // constant almost everywhere
    return [tape.multiply(g, step)]
  }
}

extension Tape {
  public mutating func add(_ x: Variable, _ y: Variable) -> Variable { record(Add(), x, y) }
  public mutating func subtract(_ x: Variable, _ y: Variable) -> Variable { record(Subtract(), x, y) }
  /// Element by element.
  public mutating func multiply(_ x: Variable, _ y: Variable) -> Variable { record(Multiply(), x, y) }
  public mutating func scale(_ x: Variable, by factor: Float) -> Variable {
    record(Affine(factor: factor, offset: 0), x)
  }
  /// `factor · x + offset`
  public mutating func affine(_ x: Variable, factor: Float, offset: Float) -> Variable {
    record(Affine(factor: factor, offset: offset), x)
  }
  public mutating func reciprocal(_ x: Variable) -> Variable { record(Reciprocal(), x) }
  public mutating func tanh(_ x: Variable) -> Variable { record(Tanh(), x) }
  public mutating func sigmoid(_ x: Variable) -> Variable { record(Sigmoid(), x) }
  public mutating func softplus(_ x: Variable) -> Variable { record(Softplus(), x) }
  public mutating func exp(_ x: Variable) -> Variable { record(Exponential(), x) }
  public mutating func log(_ x: Variable) -> Variable { record(Logarithm(), x) }
  public mutating func relu(_ x: Variable) -> Variable { record(ReLU(), x) }
}
