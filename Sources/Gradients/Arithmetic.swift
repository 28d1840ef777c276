import Tensors

// Two operands, element by element; the smaller one is spread over the other's shape.

struct Add: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.add(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient, at.gradient] }
}

struct Subtract: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.subtract(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient, at.by(1) { -at.gradient }] }
}

struct Multiply: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.multiply(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    [at.by(0) { at.gradient * at[1] }, at.by(1) { at.gradient * at[0] }]
  }
}

struct Divide: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.divide(x[0], x[1], into: y) }
  // d(a/b) = da / b - (a/b) db / b
  func derivative(_ at: Chain) -> [Variable?] {
    let part = at.gradient / at[1]
    return [part, at.by(1) { -(part * at.output) }]
  }
}

/// The larger of two; where they are equal the gradient goes to the second.
struct Maximum: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.maximum(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    let first = greater(at[0], at[1])
    return [at.by(0) { at.gradient * first }, at.by(1) { at.gradient * (1 - first) }]
  }
}

/// The smaller of two; where they are equal the gradient goes to the second.
struct Minimum: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Elementwise.minimum(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    let first = greater(at[1], at[0])
    return [at.by(0) { at.gradient * first }, at.by(1) { at.gradient * (1 - first) }]
  }
}

/// 1 where the first is larger, else 0; constant almost everywhere.
struct Greater: Operation {
  var worksInPlace: Bool { true }
  var passesGradient: Bool { false }
  func forward(_ x: Operands, into y: View) { Elementwise.greater(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil, nil] }
}

/// 1 where both are equal, else 0; constant almost everywhere.
struct Equal: Operation {
  var worksInPlace: Bool { true }
  var passesGradient: Bool { false }
  func forward(_ x: Operands, into y: View) { Elementwise.equal(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil, nil] }
}

/// `factor · x + offset`
struct Affine: Operation {
  let factor: Float
  let offset: Float
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) {
    Elementwise.affine(x[0], factor: factor, offset: offset, into: y)
  }
  func derivative(_ at: Chain) -> [Variable?] { [factor == 1 ? at.gradient : at.gradient * factor] }
  var name: String { "Affine(\(factor), \(offset))" }
}

/// Spreads both to their common shape and records.
private func spread(_ operation: some Operation, _ x: Variable, _ y: Variable) -> Variable {
  let shape = x.shape.broadcast(with: y.shape)
  return x.expanded(to: shape).record(operation, y.expanded(to: shape))
}

extension Variable {
  public static func + (x: Variable, y: Variable) -> Variable { spread(Add(), x, y) }
  public static func - (x: Variable, y: Variable) -> Variable { spread(Subtract(), x, y) }
  public static func * (x: Variable, y: Variable) -> Variable { spread(Multiply(), x, y) }
  public static func / (x: Variable, y: Variable) -> Variable { spread(Divide(), x, y) }

  public static func + (x: Variable, y: Float) -> Variable { x.record(Affine(factor: 1, offset: y)) }
  public static func + (x: Float, y: Variable) -> Variable { y + x }
  public static func - (x: Variable, y: Float) -> Variable { x + -y }
  public static func - (x: Float, y: Variable) -> Variable { y.record(Affine(factor: -1, offset: x)) }
  public static func * (x: Variable, y: Float) -> Variable { x.record(Affine(factor: y, offset: 0)) }
  public static func * (x: Float, y: Variable) -> Variable { y * x }
  public static func / (x: Variable, y: Float) -> Variable { x * (1 / y) }
  public static func / (x: Float, y: Variable) -> Variable { x * reciprocal(y) }
  public static prefix func - (x: Variable) -> Variable { x * -1 }
}

public func maximum(_ x: Variable, _ y: Variable) -> Variable { spread(Maximum(), x, y) }
public func minimum(_ x: Variable, _ y: Variable) -> Variable { spread(Minimum(), x, y) }
/// 1 where `x > y`, else 0; without gradient.
public func greater(_ x: Variable, _ y: Variable) -> Variable { spread(Greater(), x, y) }
/// 1 where `x == y`, else 0; without gradient.
public func equal(_ x: Variable, _ y: Variable) -> Variable { spread(Equal(), x, y) }
/// `x` where the mask is 1, `y` where it is 0; the mask has no gradient.
public func select(_ mask: Variable, _ x: Variable, _ y: Variable) -> Variable {
  let mask = mask.withoutGradient()
  return mask * x + (1 - mask) * y
}
