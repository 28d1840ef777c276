import Tensors

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

/// Attention of many heads at once, `[rows, heads, times, width]`; gives `[rows, times, heads, width]` and saves the probabilities.
struct FusedAttention: Operation {
  let isCausal: Bool
  func shape(_ x: [Shape]) -> Shape { [x[0][0], x[0][2], x[0][1], x[0][3]] }
  func savedShape(_ x: [Shape]) -> Shape? { [x[0][0], x[0][1], x[0][2], x[1][2]] }
  func forward(_ x: Operands, into y: View) {
    Attention.forward(x[0], x[1], x[2], isCausal: isCausal, p: x.saved, into: y, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.through { composedAttention($0[0], $0[1], $0[2], isCausal: isCausal).transposed(1, 2) }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let saved = at.saved else { return nil }
    let (q, k) = (at[0].shape, at[1].shape)
    let g = at.gradient.transposed(1, 2)
    let dOut = g.view.layout.step(-1) == 1 ? g : g.contiguous()
    let all = at[0].record(FusedAttentionBackward(isCausal: isCausal), at[1], at[2], saved, dOut)
    func part(_ from: Int, _ x: Shape) -> Variable {
      all[0, from..<from + x.size].reshaped([x[0], x[2], x[1], x[3]]).transposed(1, 2)
    }
    return [part(0, q), part(q.size, k), part(q.size + k.size, k)]
  }
  var name: String { isCausal ? "Attention(causal)" : "Attention" }
}

struct FusedAttentionBackward: Terminal {
  let isCausal: Bool
  func shape(_ x: [Shape]) -> Shape { [x[0].size + 2 * x[1].size] }
  func forward(_ x: Operands, into y: View) {
    Attention.backward(
      x[0], x[1], x[2], isCausal: isCausal, p: x[3], x[4], into: y, workers: x.workers)
  }
  var name: String { "Derivative of attention" }
}

/// Of products and a softmax, for any shapes.
private func composedAttention(_ q: Variable, _ k: Variable, _ v: Variable, isCausal: Bool) -> Variable {
  let width = q.shape[q.shape.rank - 1]
  let weights = matmul(q, k, transposedB: true)
    .record(AttentionWeights(factor: 1 / Float(width).squareRoot(), isCausal: isCausal))
  return matmul(weights, v)
}

/// `softmax(q kᵀ / √width) v` (Vaswani et al. 2017): q `[…, queries, width]`, k and v `[…, keys, width]`; when causal, a query sees
/// no key after it, the last query standing at the last key.
public func attention(_ q: Variable, _ k: Variable, _ v: Variable, isCausal: Bool = false) -> Variable {
  let fits =
    q.shape.rank == 4 && k.shape == v.shape && q.shape[0] == k.shape[0] && q.shape[1] == k.shape[1]
    && q.shape[3] == k.shape[3] && (!isCausal || k.shape[2] >= q.shape[2])
  guard fits else { return composedAttention(q, k, v, isCausal: isCausal) }
  func rows(_ x: Variable) -> Variable { x.view.layout.step(3) == 1 ? x : x.contiguous() }
  return rows(q).record(FusedAttention(isCausal: isCausal), rows(k), rows(v)).transposed(1, 2)
}
