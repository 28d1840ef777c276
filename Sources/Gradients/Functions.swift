import Tensors

// Functions of one number, element by element.

struct Square: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.square(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at[0] * 2] }
}

struct Reciprocal: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.reciprocal(x[0], into: y) }
  // d(1/x) = -(1/x)²
  func derivative(_ at: Chain) -> [Variable?] { [-(at.gradient * at.output.squared())] }
}

struct SquareRoot: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.squareRoot(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * 0.5 / at.output] }
}

struct Exponential: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.exp(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at.output] }
}

struct Logarithm: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.log(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient / at[0]] }
}

struct Tanh: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.tanh(x[0], into: y) }
  // d tanh = 1 - tanh²
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * (1 - at.output.squared())] }
}

struct Sigmoid: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.sigmoid(x[0], into: y) }
  // dσ = σ (1 - σ)
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * (at.output * (1 - at.output))] }
}

/// `log(1 + e^x)`
struct Softplus: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.softplus(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * sigmoid(at[0])] }
}

/// `max(x, 0)`; its derivative at 0 is taken as 0.
struct ReLU: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.relu(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at.output.record(Sign())] }
}

struct Magnitude: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.magnitude(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at[0].record(Sign())] }
}

/// 1, 0 or -1; constant almost everywhere.
struct Sign: Operation {
  func forward(_ x: Operands, into y: View) { Elementwise.sign(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// Held between two bounds; the derivative is 1 strictly inside.
struct Clamp: Operation {
  let low: Float
  let high: Float
  func forward(_ x: Operands, into y: View) { Elementwise.clamp(x[0], from: low, to: high, into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at[0].record(Between(low: low, high: high))] }
}

/// 1 strictly between two bounds, else 0; constant almost everywhere.
struct Between: Operation {
  let low: Float
  let high: Float
  func forward(_ x: Operands, into y: View) { Elementwise.between(x[0], low, high, into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// The same numbers, through which no gradient flows.
struct Stop: ViewOperation {
  func layout(_ x: Layout) -> Layout { x }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

public func exp(_ x: Variable) -> Variable { x.record(Exponential()) }
/// The natural logarithm.
public func log(_ x: Variable) -> Variable { x.record(Logarithm()) }
public func tanh(_ x: Variable) -> Variable { x.record(Tanh()) }
/// `1 / (1 + e^-x)`
public func sigmoid(_ x: Variable) -> Variable { x.record(Sigmoid()) }
/// `log(1 + e^x)`
public func softplus(_ x: Variable) -> Variable { x.record(Softplus()) }
/// `max(x, 0)`
public func relu(_ x: Variable) -> Variable { x.record(ReLU()) }
/// `x` above 0, `slope · x` below.
public func leakyReLU(_ x: Variable, slope: Float = 0.01) -> Variable {
  relu(x) * (1 - slope) + x * slope
}
/// `x σ(x)` (Elfwing et al. 2018), also called swish.
public func silu(_ x: Variable) -> Variable { x * sigmoid(x) }
/// `x Φ(x)` by its tanh approximation (Hendrycks & Gimpel 2016).
public func gelu(_ x: Variable) -> Variable {
  let inner = (x + x.squared() * x * 0.044715) * 0.7978845608
  return x * (tanh(inner) + 1) * 0.5
}
public func reciprocal(_ x: Variable) -> Variable { x.record(Reciprocal()) }
public func sqrt(_ x: Variable) -> Variable { x.record(SquareRoot()) }
public func abs(_ x: Variable) -> Variable { x.record(Magnitude()) }
/// Held between two bounds; no gradient outside.
public func clamp(_ x: Variable, from low: Float, to high: Float) -> Variable {
  x.record(Clamp(low: low, high: high))
}

extension Variable {
  public func squared() -> Variable { record(Square()) }
  /// The same numbers, through which no gradient flows.
  public func withoutGradient() -> Variable { .look(Stop(), self) }
}
