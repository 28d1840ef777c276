import Tensors

/// The product of matrices `[…, m, k]` and `[…, k, n]`; either may be a transposed view.
struct MatrixProduct: Operation {
  func shape(_ x: [Shape]) -> Shape {
    let (a, b) = (x[0], x[1])
    precondition(
      a.rank >= 2 && a.rank == b.rank && a[a.rank - 1] == b[b.rank - 2], "a product of \(a) and \(b)")
    return a.replacing(-1, with: b[b.rank - 1])
  }
  func forward(_ x: Operands, into y: View) { Product.multiply(x[0], x[1], into: y, workers: x.workers) }
  // C = A B gives dA = dC Bᵀ and dB = Aᵀ dC.
  func derivative(_ at: Chain) -> [Variable?] {
    [
      at.by(0) { at.gradient.record(MatrixProduct(), at[1].transposed()) },
      at.by(1) { at[0].transposed().record(MatrixProduct(), at.gradient) },
    ]
  }
}

/// An operation whose gradients are products of matrices: what is used in several gets the sum of theirs in one go.
protocol MultiplyingOperation: Operation {
  /// Per input, the gradient of the loss by it, as a part of a sum; for a walk that is not differentiated.
  func parts(_ at: Chain) -> [Assemble.Part?]
}

extension MatrixProduct: MultiplyingOperation {
  func parts(_ at: Chain) -> [Assemble.Part?] {
    guard at[0].shape.rank == 2 else { return derivative(at).map { $0.map(Assemble.Part.whole) } }
    return [
      at.needs(0) ? .product(at.gradient, at[1].transposed()) : nil,
      at.needs(1) ? .product(at[0].transposed(), at.gradient) : nil,
    ]
  }
}

/// `a₁ · b₁ + a₂ · b₂ + …` of matrices: each product is added where the others are.
struct SumOfProducts: Operation {
  func shape(_ x: [Shape]) -> Shape { MatrixProduct().shape(Array(x.prefix(2))) }
  func forward(_ x: Operands, into y: View) {
    for i in stride(from: 0, to: x.count, by: 2) {
      Product.multiply(x[i], x[i + 1], into: y, accumulate: i > 0, workers: x.workers)
    }
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.inputs.indices.map { i in
      at.by(i) {
        i % 2 == 0
          ? matmul(at.gradient, at[i + 1], transposedB: true)
          : matmul(at[i - 1], at.gradient, transposedA: true)
      }
    }
  }
  var name: String { "Sum of products" }
}

/// `a · b`: matrices `[…, m, k]` and `[…, k, n]`, one of them perhaps to be transposed first (without a copy).
///
/// Leading axes are stacks of matrices and are spread; a plain matrix `b` multiplies all rows of a stack at once.
public func matmul(
  _ a: Variable, _ b: Variable, transposedA: Bool = false, transposedB: Bool = false
) -> Variable {
  let b = transposedB ? b.transposed() : b
  let a = transposedA ? a.transposed() : a
  precondition(
    a.shape.rank >= 1 && b.shape.rank >= 2 && a.shape.last == b.shape[b.shape.rank - 2],
    "a product of \(a.shape) and \(b.shape)")
  if b.shape.rank == 2 {
    // All rows of the stack at once.
    if a.shape.rank == 2 { return a.record(MatrixProduct(), b) }
    let k = b.shape[0]
    let rows = a.reshaped([a.shape.size / Swift.max(k, 1), k])
    return rows.record(MatrixProduct(), b).reshaped(a.shape.replacing(-1, with: b.shape[1]))
  }
  let stack = Shape(a.shape.dropLast(2)).broadcast(with: Shape(b.shape.dropLast(2)))
  func spread(_ x: Variable) -> Variable { x.expanded(to: Shape(Array(stack) + x.shape.suffix(2))) }
  return spread(a).record(MatrixProduct(), spread(b))
}
