import Testing

@testable import Detection

@Suite struct InputTests {
  func plan(fields: Int, ordered: Bool = true, window: Int = 4) -> InputPlan {
    let count = (ordered ? 3 : 1) * fields
    return InputPlan(
      fields: fields, window: window, ordered: ordered, limit: 5,
      scales: Array(repeating: RobustScale(centre: 0, spread: 1), count: count))
  }

  @Test func `inputs are the levels, their differences and their running means`() {
    let values: [Float] = [1, 10, 2, 20, 4, 10, 3, 0, 2, 4]
    let scaled = values.map { $0 / 10 }
    let inputs = plan(fields: 2).inputs(scaled, rows: 5, segmentStarts: [])
    // Row 4: levels, differences to row 3, means of rows 1 to 4.
    let last = Array(inputs.values[4 * 6..<5 * 6])
    for (value, expected) in zip(last, [0.2, 0.4, -0.1, 0.4, 0.275, 0.85]) {
      #expect(abs(value - Float(expected)) < 1e-6)
    }
    // Row 0 has no difference and too few rows for a mean; row 1 has half of its window.
    #expect(Array(inputs.mask[0..<6]) == [1, 1, 0, 0, 0, 0])
    #expect(Array(inputs.mask[6..<12]) == [1, 1, 1, 1, 1, 1])
    #expect(Array(inputs.values[2..<6]) == [0, 0, 0, 0])
  }

  @Test func `rows without order have levels only`() {
    let inputs = plan(fields: 2, ordered: false).inputs([1, 2, 3, 4], rows: 2, segmentStarts: [])
    #expect(inputs.values == [1, 2, 3, 4])
    #expect(!inputs.missing)
  }

  @Test func `missing and infinite values are masked and leave no trace`() {
    var values = (0..<40).map { Float($0 % 7) / 4 }
    values[20] = .nan
    values[31] = .infinity
    let inputs = plan(fields: 2).inputs(values, rows: 20, segmentStarts: [])
    #expect(inputs.missing)
    #expect(inputs.values.allSatisfy { $0.isFinite })
    // Row 10, field 0: its level, its difference and the next row's difference; the mean goes on from the others.
    #expect(inputs.mask[10 * 6] == 0 && inputs.mask[10 * 6 + 2] == 0 && inputs.mask[11 * 6 + 2] == 0)
    #expect(inputs.mask[10 * 6 + 4] == 1 && inputs.mask[10 * 6 + 1] == 1)
    let mean = (values[14] + values[16] + values[18]) / 3
    #expect(abs(inputs.values[10 * 6 + 4] - mean) < 1e-6)
    for index in inputs.mask.indices where inputs.mask[index] == 0 { #expect(inputs.values[index] == 0) }
  }

  @Test func `inputs do not depend on how rows are cut into batches, with holes or without`() {
    for hasHoles in [false, true] {
      var signals = Signals(features: 3, seed: 8)
      var values = signals.rows(200).values.map { $0 * 3 }
      if hasHoles { for index in stride(from: 0, to: values.count, by: 17) { values[index] = .nan } }
      let plan = plan(fields: 3)
      let whole = plan.inputs(values, rows: 200, segmentStarts: [])
      var buffers = InputBuffers()
      var context = [Float](repeating: .nan, count: plan.contextRows * 3)
      var row = 0
      var random = SplitMix64(seed: 1)
      while row < 200 {
        let count = min(1 + Int(random.next() % 9), 200 - row)
        let masked = buffers.build(
          plan: plan, levelLimit: 5, rows: values, from: row, width: 3, columns: [0, 1, 2], count: count,
          context: &context)
        #expect(Array(buffers.inputs[..<(count * 9)]) == Array(whole.values[row * 9..<(row + count) * 9]))
        if masked {
          #expect(Array(buffers.mask[..<(count * 9)]) == Array(whole.mask[row * 9..<(row + count) * 9]))
        } else {
          #expect(whole.mask[row * 9..<(row + count) * 9].allSatisfy { $0 == 1 })
        }
        row += count
      }
    }
  }

  @Test func `what happened is forgotten after the window`() {
    var signals = Signals(features: 2, seed: 9)
    let calm = signals.rows(60).values
    var disturbed = calm
    for index in 20..<40 { disturbed[index] += 100 }
    let plan = plan(fields: 2, window: 8)
    let first = plan.inputs(calm, rows: 60, segmentStarts: []).values
    let second = plan.inputs(disturbed, rows: 60, segmentStarts: []).values
    // Rows 10 to 19 were disturbed; from row 27 on nothing of it is left.
    #expect(first.dropFirst(27 * 6).elementsEqual(second.dropFirst(27 * 6)))
    #expect(first[26 * 6 + 4] != second[26 * 6 + 4])
  }

  @Test func `a new segment begins without the past`() {
    var signals = Signals(features: 2, seed: 10)
    let values = signals.rows(40).values
    let plan = plan(fields: 2)
    let cut = plan.inputs(values, rows: 40, segmentStarts: [20])
    let alone = plan.inputs(Array(values.dropFirst(40)), rows: 20, segmentStarts: [])
    #expect(cut.values.dropFirst(20 * 6).elementsEqual(alone.values))
    #expect(cut.mask.dropFirst(20 * 6).elementsEqual(alone.mask))
  }

  @Test func `absurd values stay finite`() {
    let values: [Float] = [0, 1e30, -3e38, .leastNormalMagnitude, 1, 2, 3e38, -1e30, 0, 0]
    let tiny = InputPlan(
      fields: 2, window: 4, ordered: true, limit: 5,
      scales: Array(repeating: RobustScale(centre: 0, spread: 1e-6), count: 6))
    let inputs = tiny.inputs(values, rows: 5, segmentStarts: [])
    #expect(inputs.values.allSatisfy { $0.isFinite && abs($0) < 1e4 })
    #expect(inputs.mask[0..<2] == [1, 1])
  }
}
