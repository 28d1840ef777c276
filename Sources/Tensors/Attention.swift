import CVectorMath

/// Attention of many heads: queries, keys and values `[rows, heads, times, width]` as views whose last axis is without gaps,
/// results `[rows, times, heads, width]`, contiguous.
package enum Attention {
  @unsafe private static func rows(_ x: View, _ row: Int, _ head: Int) -> Rows {
    precondition(x.layout.step(3) == 1 || x.shape[3] == 1, "attention over columns that are apart")
    return unsafe Rows(
      x.start + row * x.layout.step(0) + head * x.layout.step(1), step: x.layout.step(2))
  }

  private static func heads(_ q: View, _ k: View, _ scale: Float, _ isCausal: Bool) -> AttentionShape {
    AttentionShape(
      queries: q.shape[2], keys: k.shape[2], width: q.shape[3], scale: scale, isCausal: isCausal)
  }

  /// Leaves the probabilities in `p`, `[rows, heads, queries, keys]`.
  package static func forward(
    _ q: View, _ k: View, _ v: View, isCausal: Bool, p: View, into out: View, workers: Workers
  ) {
    let (count, heads, width) = (q.shape[1] * q.shape[0], q.shape[1], q.shape[3])
    let shape = self.heads(q, k, 1 / Float(width).squareRoot(), isCausal)
    workers.split(count) { _, part in
      for i in part {
        let (row, head) = (i / heads, i % heads)
        let to = unsafe out.start + row * shape.queries * heads * width + head * width
        unsafe Kernels.attention(
          shape, q: rows(q, row, head), k: rows(k, row, head), v: rows(v, row, head),
          p: p.start + i * shape.queries * shape.keys, into: WritableRows(to, step: heads * width))
      }
    }
  }

  /// The loss by queries, keys and values, each `[rows, times, heads, width]`, behind one another in `d`.
  package static func backward(
    _ q: View, _ k: View, _ v: View, isCausal: Bool, p: View, _ dOut: View, into d: View, workers: Workers
  ) {
    let (count, heads, width) = (q.shape[1] * q.shape[0], q.shape[1], q.shape[3])
    let shape = self.heads(q, k, 1 / Float(width).squareRoot(), isCausal)
    let scores = shape.queries * shape.keys
    d.fill(0)
    workers.reserve(scores)
    workers.split(count) { worker, part in
      let space = workers.space(scores, worker: worker)
      for i in part {
        let (row, head) = (i / heads, i % heads)
        let step = heads * width
        let dQ = unsafe d.start + row * shape.queries * step + head * width
        let dK = unsafe d.start + q.count + row * shape.keys * step + head * width
        unsafe Kernels.attentionBackward(
          shape, q: rows(q, row, head), k: rows(k, row, head), v: rows(v, row, head), p: p.start + i * scores,
          dOut: rows(dOut, row, head), addToQ: WritableRows(dQ, step: step), k: WritableRows(dK, step: step),
          v: WritableRows(dK + k.count, step: step), space: space.base)
      }
    }
  }
}
