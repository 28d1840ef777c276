import Tensors

// Functions of one number, element by element.

/// One of them, with its derivative in operations.
protocol ElementFunction: Operation {
  var function: UnaryFunction { get }
  var parameter: Float { get }
  /// The derivative at `x`, where the result is `y`.
  func slope(_ x: Variable, _ y: Variable) -> Variable
}

extension ElementFunction {
  var parameter: Float { 1 }
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) {
    Elementwise.apply(function, x[0], parameter: parameter, into: y)
  }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * slope(at[0], at.output)] }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    let known = function.derivativeUsesOutput ? at.output : at[0].contiguous()
    let backward = FunctionBackward(function: function, parameter: parameter)
    return [known.record(backward, at.gradient.contiguous())]
  }
}

/// `dy · f'`, from what the function needs for it.
struct FunctionBackward: Terminal {
  let function: UnaryFunction
  let parameter: Float
  func forward(_ x: Operands, into y: View) {
    Elementwise.derivative(function, of: x[0], parameter: parameter, x[1], into: y)
  }
  var name: String { "Derivative of \(function)" }
}

struct Square: ElementFunction {
  var function: UnaryFunction { .square }
  func slope(_ x: Variable, _ y: Variable) -> Variable { x * 2 }
  // The gradient of a mean is one number spread, which the product takes as it is.
  func fastDerivative(_ at: Chain) -> [Variable?]? { [at.gradient * (at[0] * 2)] }
}

struct Reciprocal: ElementFunction {
  var function: UnaryFunction { .reciprocal }
  func slope(_ x: Variable, _ y: Variable) -> Variable { -y.squared() }
}

struct SquareRoot: ElementFunction {
  var function: UnaryFunction { .sqrt }
  func slope(_ x: Variable, _ y: Variable) -> Variable { 0.5 / y }
}

struct Exponential: ElementFunction {
  var function: UnaryFunction { .exp }
  func slope(_ x: Variable, _ y: Variable) -> Variable { y }
}

struct Logarithm: ElementFunction {
  var function: UnaryFunction { .log }
  func slope(_ x: Variable, _ y: Variable) -> Variable { reciprocal(x) }
}

struct Tanh: ElementFunction {
  var function: UnaryFunction { .tanh }
  func slope(_ x: Variable, _ y: Variable) -> Variable { 1 - y.squared() }
}

struct Sigmoid: ElementFunction {
  var function: UnaryFunction { .sigmoid }
  func slope(_ x: Variable, _ y: Variable) -> Variable { y * (1 - y) }
}

/// `log(1 + e^x)`
struct Softplus: ElementFunction {
  var function: UnaryFunction { .softplus }
  func slope(_ x: Variable, _ y: Variable) -> Variable { sigmoid(x) }
}

/// `max(x, 0)`; its derivative at 0 is taken as 0.
struct ReLU: ElementFunction {
  var function: UnaryFunction { .relu }
  func slope(_ x: Variable, _ y: Variable) -> Variable { y.record(Sign()) }
}

/// `x` above 0, `parameter · x` below.
struct LeakyReLU: ElementFunction {
  let parameter: Float
  var function: UnaryFunction { .leakyRelu }
  func slope(_ x: Variable, _ y: Variable) -> Variable {
    x.record(Sign()) * ((1 - parameter) / 2) + (1 + parameter) / 2
  }
}

/// `x Φ(x)`
struct GELU: ElementFunction {
  var function: UnaryFunction { .gelu }
  // Φ(x) + x φ(x)
  func slope(_ x: Variable, _ y: Variable) -> Variable {
    let cumulative = (erf(x * 0.70710678) + 1) * 0.5
    return cumulative + x * exp(x.squared() * -0.5) * 0.39894228
  }
}

/// `x σ(x)`
struct SiLU: ElementFunction {
  var function: UnaryFunction { .silu }
  func slope(_ x: Variable, _ y: Variable) -> Variable {
    let s = sigmoid(x)
    return s + y * (1 - s)
  }
}

struct Erf: ElementFunction {
  var function: UnaryFunction { .erf }
  func slope(_ x: Variable, _ y: Variable) -> Variable { exp(-x.squared()) * 1.1283792 }
}

struct Sine: ElementFunction {
  var function: UnaryFunction { .sin }
  func slope(_ x: Variable, _ y: Variable) -> Variable { cos(x) }
}

struct Cosine: ElementFunction {
  var function: UnaryFunction { .cos }
  func slope(_ x: Variable, _ y: Variable) -> Variable { -sin(x) }
}

struct Magnitude: ElementFunction {
  var function: UnaryFunction { .abs }
  func slope(_ x: Variable, _ y: Variable) -> Variable { x.record(Sign()) }
}

/// 1, 0 or -1; constant almost everywhere.
struct Sign: Operation {
  var passesGradient: Bool { false }
  func forward(_ x: Operands, into y: View) { Elementwise.apply(.sign, x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// The largest whole number that is not above; constant almost everywhere.
struct Floor: Operation {
  var passesGradient: Bool { false }
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.apply(.floor, x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// Held between two bounds; the derivative is 1 strictly inside.
struct Clamp: Operation {
  let low: Float
  let high: Float
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.clamp(x[0], from: low, to: high, into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient * at[0].record(Between(low: low, high: high))] }
}

/// 1 strictly between two bounds, else 0; constant almost everywhere.
struct Between: Operation {
  let low: Float
  let high: Float
  var passesGradient: Bool { false }
  func forward(_ x: Operands, into y: View) { Elementwise.between(x[0], low, high, into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// The same numbers, through which no gradient flows.
struct Stop: ViewOperation {
  var passesGradient: Bool { false }
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
  x.record(LeakyReLU(parameter: slope))
}
/// `x σ(x)` (Elfwing et al. 2018), also called swish.
public func silu(_ x: Variable) -> Variable { x.record(SiLU()) }
/// `x Φ(x)` (Hendrycks & Gimpel 2016).
public func gelu(_ x: Variable) -> Variable { x.record(GELU()) }
/// The error function.
public func erf(_ x: Variable) -> Variable { x.record(Erf()) }
public func sin(_ x: Variable) -> Variable { x.record(Sine()) }
public func cos(_ x: Variable) -> Variable { x.record(Cosine()) }
public func reciprocal(_ x: Variable) -> Variable { x.record(Reciprocal()) }
public func sqrt(_ x: Variable) -> Variable { x.record(SquareRoot()) }
public func abs(_ x: Variable) -> Variable { x.record(Magnitude()) }
/// The largest whole number that is not above; without gradient.
public func floor(_ x: Variable) -> Variable { x.record(Floor()) }
/// Held between two bounds; no gradient outside.
public func clamp(_ x: Variable, from low: Float, to high: Float) -> Variable {
  x.record(Clamp(low: low, high: high))
}

extension Variable {
  public func squared() -> Variable { record(Square()) }
  /// The same numbers, through which no gradient flows.
  public func withoutGradient() -> Variable { .look(Stop(), self) }
}
