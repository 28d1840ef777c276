import Tensors

/// The neural autoregressive distribution estimator: of rows, input weights, hidden bias, output weights and output bias.
struct NadeLogits: Operation {
  func shape(_ x: [Shape]) -> Shape {
    precondition(
      x[0].rank == 2 && x[1].rank == 2 && x[0][1] == x[1][0] && x[2] == [x[1][1]] && x[3] == x[1]
        && x[4] == [x[0][1]],
      "a NADE of \(x[0]) with weights \(x[1]) and \(x[3]), biases \(x[2]) and \(x[4])")
    return x[0]
  }
  func savedShape(_ x: [Shape]) -> Shape? { [x[0][0], x[1][1]] }
  func forward(_ x: Operands, into y: View) {
    Nade.forward(x[0], x[1], x[2], x[3], x[4], into: y, sums: x.saved, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.through { x in
      let terms = x[0].inserting(2) * x[1]
      let hidden = sigmoid(cumulativeSum(terms, axis: 1) - terms + x[2])
      return (hidden * x[3]).sum(2) + x[4]
    }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let sums = at.saved, !at.needs(0) else { return nil }
    let g = at.gradient.contiguous()
    let all = at[0].record(NadeBackward(), at[1], at[3], sums, g)
    let (whole, hidden) = (at[1].shape.size, at[1].shape[1])
    return [
      nil, all[0, 0..<whole].reshaped(at[1].shape), all[0, whole..<whole + hidden],
      all[0, whole + hidden..<2 * whole + hidden].reshaped(at[3].shape), at.by(4) { g.sum(0) },
    ]
  }
  var name: String { "NADE" }
}

struct NadeBackward: Terminal {
  func shape(_ x: [Shape]) -> Shape { [2 * x[1].size + x[1][1]] }
  func forward(_ x: Operands, into y: View) {
    Nade.backward(x[0], x[1], x[2], sums: x[3], x[4], into: y, workers: x.workers)
  }
  var name: String { "Derivative of NADE" }
}

/// The neural autoregressive distribution estimator (Larochelle & Murray 2011): `logits[j] = b[j] + v[j] · σ(c + Σ_{i < j} x[i] w[i])`,
/// what each place is expected to be given those before it.
///
/// - Parameters:
///   - x: `[rows, n]`; places that are 0 cost little.
///   - w: `[n, hidden]`.
///   - c: `[hidden]`.
///   - v: `[n, hidden]`.
///   - b: `[n]`.
/// - Returns: `[rows, n]`.
public func nade(_ x: Variable, _ w: Variable, _ c: Variable, _ v: Variable, _ b: Variable) -> Variable {
  x.contiguous().record(NadeLogits(), w.contiguous(), c.contiguous(), v.contiguous(), b.contiguous())
}
