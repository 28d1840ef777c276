/// The rows of one batch on their way from values to inputs: the first loops of the event path.
///
/// Reused for every batch of every stream of a shard.
struct InputBuffers: Sendable {
  /// Context rows, then the batch's rows, of scaled levels; NaN where missing.
  private var levels: [Float] = []
  /// `count × width` of the last batch; 0 where masked.
  private(set) var inputs: [Float] = []
  /// Of the same shape; only valid when ``build(plan:levelLimit:rows:from:width:columns:count:context:)`` said so.
  private(set) var mask: [Float] = []

  /// Whether anything of the last batch is masked.
  private(set) var hasMissing = false

  /// Turns `count` rows into inputs and moves the context on. Returns whether anything is masked.
  ///
  /// - Parameters:
  ///   - rows: row-major values; row `from + i` begins at `(from + i) × width`.
  ///   - columns: of each of the plan's fields in a row; negative: not there.
  ///   - context: the plan's context rows × fields, oldest first; NaN where there is none.
  mutating func build(
    plan: InputPlan, levelLimit: Float, rows: [Float], from: Int, width: Int, columns: [Int32], count: Int,
    context: inout [Float]
  ) -> Bool {
    let fields = plan.fields
    let before = plan.contextRows
    precondition(
      rows.count >= (from + count) * width, "\(rows.count) values for \(from + count) rows of \(width)")
    precondition(columns.count == fields, "\(columns.count) columns for \(fields) fields")
    precondition(context.count == before * fields, "a context of \(context.count), not \(before) × \(fields)")
    grow(fields: fields, inputs: plan.width, before: before, count: count)
    var missing = false
    unsafe levels.withUnsafeMutableBufferPointer { levels in
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe columns.withUnsafeBufferPointer { columns in
          for index in 0..<before * fields {
            let level = context[index]
            unsafe levels[index] = level
            if level.isNaN { missing = true }
          }
          for row in 0..<count {
            let absent = unsafe scale(
              rows.baseAddress! + (from + row) * width, width, columns,
              into: levels.baseAddress! + (before + row) * fields, plan: plan, limit: levelLimit)
            if absent { missing = true }
          }
          unsafe inputs.withUnsafeMutableBufferPointer { inputs in
            if missing {
              unsafe mask.withUnsafeMutableBufferPointer { mask in
                unsafe derive(levels, count, inputs, mask, plan)
              }
            } else {
              unsafe derive(levels, count, inputs, plan)
            }
          }
          for index in 0..<before * fields { unsafe context[index] = levels[count * fields + index] }
        }
      }
    }
    hasMissing = missing
    return missing
  }

  /// Whether no field of a row was observed; only for batches in which something is masked.
  func isEmptyRow(_ row: Int, plan: InputPlan) -> Bool {
    let first = row * plan.width
    return mask[first..<first + plan.fields].allSatisfy { $0 == 0 }
  }

  private mutating func grow(fields: Int, inputs width: Int, before: Int, count: Int) {
    let rows = max(count, DetectorWorkspace.batchRows)
    func atLeast(_ array: inout [Float], _ count: Int) {
      if array.count < count { array.append(contentsOf: repeatElement(0, count: count - array.count)) }
    }
    atLeast(&levels, (before + rows) * fields)
    atLeast(&inputs, rows * width)
    atLeast(&mask, rows * width)
  }
}

/// One row of values into scaled, squashed levels; true when one is missing (then it is NaN).
@inline(__always)
private func scale(
  _ row: UnsafePointer<Float>, _ width: Int, _ columns: UnsafeBufferPointer<Int32>,
  into levels: UnsafeMutablePointer<Float>, plan: InputPlan, limit: Float
) -> Bool {
  // NaN and infinity have larger bits than any limit: one integer comparison per row finds all that needs care.
  var largest: Int32 = 0
  unsafe plan.centres.withUnsafeBufferPointer { centres in
    unsafe plan.inverses.withUnsafeBufferPointer { inverses in
      for field in 0..<columns.count {
        let column = unsafe Int(columns[field])
        let value = unsafe column >= 0 && column < width ? row[column] : Float.nan
        let level = unsafe (value - centres[field]) * inverses[field]
        unsafe levels[field] = level
        largest = max(largest, Int32(bitPattern: level.bitPattern & 0x7fff_ffff))
      }
    }
  }
  if largest <= Int32(bitPattern: limit.bitPattern) { return false }
  var missing = false
  for field in 0..<columns.count {
    let column = unsafe Int(columns[field])
    if unsafe column < 0 || column >= width || !row[column].isFinite {
      unsafe levels[field] = .nan
      missing = true
    } else {
      unsafe levels[field] = squash(levels[field], limit: limit)
    }
  }
  return missing
}

/// Differences and means when everything is observed.
@inline(__always)
private func derive(
  _ levels: UnsafeMutableBufferPointer<Float>, _ count: Int, _ inputs: UnsafeMutableBufferPointer<Float>,
  _ plan: InputPlan
) {
  let fields = plan.fields
  let before = plan.contextRows
  let width = plan.width
  let share = 1 / Float(plan.window)
  let limit = plan.limit
  unsafe plan.centres.withUnsafeBufferPointer { centres in
    unsafe plan.inverses.withUnsafeBufferPointer { inverses in
      for row in 0..<count {
        let now = unsafe levels.baseAddress! + (before + row) * fields
        let out = unsafe inputs.baseAddress! + row * width
        for field in 0..<fields { unsafe out[field] = now[field] }
        if !plan.ordered { continue }
        let past = unsafe now - fields
        let differences = unsafe out + fields
        let means = unsafe out + 2 * fields
        var largest: Int32 = 0
        for field in 0..<fields {
          let z = unsafe (now[field] - past[field] - centres[fields + field]) * inverses[fields + field]
          unsafe differences[field] = z
          largest = max(largest, Int32(bitPattern: z.bitPattern & 0x7fff_ffff))
        }
        for field in 0..<fields { unsafe means[field] = now[field] }
        for back in 1..<plan.window {
          let earlier = unsafe now - back * fields
          for field in 0..<fields { unsafe means[field] += earlier[field] }
        }
        for field in 0..<fields {
          let z = unsafe (means[field] * share - centres[2 * fields + field]) * inverses[2 * fields + field]
          unsafe means[field] = z
          largest = max(largest, Int32(bitPattern: z.bitPattern & 0x7fff_ffff))
        }
        if largest > Int32(bitPattern: limit.bitPattern) {
          for index in fields..<width { unsafe out[index] = squash(out[index], limit: limit) }
        }
      }
    }
  }
}

/// The same when something is missing: what cannot be known is 0 and masked.
private func derive(
  _ levels: UnsafeMutableBufferPointer<Float>, _ count: Int, _ inputs: UnsafeMutableBufferPointer<Float>,
  _ mask: UnsafeMutableBufferPointer<Float>, _ plan: InputPlan
) {
  let fields = plan.fields
  let before = plan.contextRows
  let width = plan.width
  func put(_ z: Float, _ observed: Bool, at index: Int) {
    unsafe inputs[index] = observed ? z : 0
    unsafe mask[index] = observed ? 1 : 0
  }
  for row in 0..<count {
    for field in 0..<fields {
      let at = (before + row) * fields + field
      let now = unsafe levels[at]
      put(now, !now.isNaN, at: row * width + field)
      if !plan.ordered { continue }
      let difference = unsafe now - levels[at - fields]
      let first = fields + field
      put(
        squash((difference - plan.centres[first]) * plan.inverses[first], limit: plan.limit),
        !difference.isNaN,
        at: row * width + first)
      var sum: Float = 0
      var observed: Float = 0
      for back in 0..<plan.window {
        let level = unsafe levels[at - back * fields]
        if !level.isNaN {
          sum += level
          observed += 1
        }
      }
      // Of fewer than half of the window the mean would be mostly noise.
      let second = 2 * fields + field
      put(
        squash((sum / max(observed, 1) - plan.centres[second]) * plan.inverses[second], limit: plan.limit),
        2 * observed >= Float(plan.window), at: row * width + second)
    }
  }
}
