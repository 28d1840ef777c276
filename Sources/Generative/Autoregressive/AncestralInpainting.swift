public import Gradients
import Networks
import Tensors

extension CategoricalDesign {
  /// Sweeps over the missing numbers that have shown ones behind them.
  static var inpaintingSweeps: Int { 4 }

  /// First in order, each number given those before it: exact where nothing that is shown comes after what is missing.
  ///
  /// Elsewhere these are a begin, which a few sweeps of Metropolis within Gibbs take towards the distribution given all that is
  /// shown: a bit is turned over with probability `min(1, p(x') / p(x))`; a grey value is drawn again given those before it,
  /// which leaves the conditionals of those behind it in that quotient.
  public func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    inpaint(
      values, mask: mask, count: count, labels: labels, seed: seed, buffer, sweeps: Self.inpaintingSweeps)
  }

  /// - Parameter sweeps: as many as wanted; the distribution is exact in their limit.
  func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer,
    sweeps: Int
  ) -> [Float] {
    let width = order.count
    return stride(from: 0, to: count, by: 64).flatMap { start in
      let part = start..<min(count, start + 64)
      var gaps = Gaps(
        LabelledRows(
          Array(values[part.lowerBound * width..<part.upperBound * width]), count: part.count,
          labels: classes > 0 ? labels.map { Array($0[part]) } : nil),
        isMissing: mask[part.lowerBound * width..<part.upperBound * width].map { $0 == 0 }, order: order)
      var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(2 + start))
      fill(&gaps, plan(gaps.rows, buffer), sweeps: sweeps, &random)
      return gaps.rows.numbers
    }
  }

  /// The logits of every number of a row, then the logarithms of the conditionals.
  private func plan(_ rows: LabelledRows, _ buffer: ParameterBuffer) -> NetworkPlan {
    NetworkPlan(buffer, row: rows.row) { x in
      let batch = rows.split(x)
      let logits = batch.labels == nil && classes > 0 ? averageLogits(batch) : logits(batch)
      return concatenate(
        [logits.reshaped([batch.count, order.count * outputs]), conditionals(batch)], axis: 1)
    }
  }

  /// Proposals for rows of unknown class.
  private func averageLogits(_ rows: Rows) -> Variable {
    let each = (0..<classes).map { label in
      logits(Rows(rows.x, labels: rows.tape.input(Tensor(repeating: Float(label), shape: [rows.count]))))
    }
    return each.dropFirst().reduce(each[0]) { $0 + $1 } * (1 / Float(classes))
  }

  private func fill(_ gaps: inout Gaps, _ plan: NetworkPlan, sweeps: Int, _ random: inout RandomStream) {
    let (width, outputs) = (order.count, outputs)
    let stride = width * (outputs + 1)
    func proposals(_ place: Int, _ known: [Float]) -> [Float] {
      var logits: [Float] = []
      for row in 0..<gaps.rows.count {
        let start = row * stride + place * outputs
        logits += known[start..<start + outputs]
      }
      return distribution.draw(logits, &random)
    }
    for place in order where gaps.missing(place) {
      let drawn = proposals(place, plan.run(gaps.rows.values, rows: gaps.rows.indices).values)
      for row in 0..<gaps.rows.count where gaps[row, place] { gaps.rows[row, place] = drawn[row] }
    }
    guard gaps.hasShownBehind else { return }
    var known = plan.run(gaps.rows.values, rows: gaps.rows.indices).values
    for _ in 0..<sweeps {
      for (i, place) in order.enumerated() where gaps.missing(place) && gaps.isShownBehind(i) {
        let drawn =
          levels == 2
          ? (0..<gaps.rows.count).map { 1 - gaps.rows[$0, place] } : proposals(place, known)
        var changed = gaps.rows
        for row in 0..<gaps.rows.count where gaps[row, place] { changed[row, place] = drawn[row] }
        let new = plan.run(changed.values, rows: changed.indices).values
        for row in 0..<gaps.rows.count where gaps[row, place] {
          let at = row * stride + width * outputs
          var gain: Float = 0
          for behind in order[(levels == 2 ? i : i + 1)...] { gain += new[at + behind] - known[at + behind] }
          // The uniform number is drawn in any case, so that rows do not depend on each other's luck.
          let threshold = VectorMath.log([random.uniform()])[0]
          guard threshold < gain else { continue }
          gaps.rows[row, place] = drawn[row]
          known.replaceSubrange(
            row * stride..<(row + 1) * stride, with: new[row * stride..<(row + 1) * stride])
        }
      }
    }
  }
}

/// Rows with places to be filled.
private struct Gaps {
  var rows: LabelledRows
  private let isMissing: [Bool]
  /// The last number in order that some row shows.
  private let lastShown: Int
  private let firstMissing: Int
  private let isMissingAnywhere: [Bool]

  init(_ rows: LabelledRows, isMissing: [Bool], order: [Int]) {
    self.rows = rows
    self.isMissing = isMissing
    let width = order.count
    let (count, all) = (rows.count, isMissing)
    isMissingAnywhere = (0..<width).map { place in (0..<count).contains { all[$0 * width + place] } }
    lastShown =
      order.indices.last { i in (0..<count).contains { !all[$0 * width + order[i]] } } ?? -1
    firstMissing =
      order.indices.first { i in (0..<count).contains { all[$0 * width + order[i]] } } ?? width
  }

  subscript(row: Int, place: Int) -> Bool { isMissing[row * rows.width + place] }
  func missing(_ place: Int) -> Bool { isMissingAnywhere[place] }
  /// Whether something shown comes behind something missing.
  var hasShownBehind: Bool { firstMissing < lastShown }
  func isShownBehind(_ i: Int) -> Bool { i < lastShown }
}
