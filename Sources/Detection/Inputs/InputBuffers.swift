/// The rows of one batch on their way from values to inputs: the first loops of the event path.
///
/// Reused for every batch of every stream of a shard.
struct InputBuffers: Sendable {
  /// Context rows, then the batch's rows, of scaled levels; NaN where missing.
  private(set) var levels: [Float] = []
  /// `count × width` of the last batch; 0 where masked.
  private(set) var inputs: [Float] = []
  /// Of the same shape; only valid when ``build(plan:levelLimit:rows:from:width:columns:count:context:)`` said so.
  private(set) var mask: [Float] = []

  /// `count × windowWidth` of the last batch, when ``wantsWindows``: for each row the levels of the last rows, oldest first.
  /// A missing level counts as that of the row after it, of the newest row as usual (0).
  private(set) var windows: [Float] = []
  /// Whether some detector reads ``windows``.
  var wantsWindows = false
  /// What stands in for what is missing; used as if it had come.
  var imputation = Imputation()

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
    grow(fields: fields, inputs: plan.width, window: plan.windowWidth, before: before, count: count)
    var missing = false
    imputation.clear(count)
    let isPlain = fields <= width && columns.indices.allSatisfy { columns[$0] == Int32($0) }
    unsafe levels.withUnsafeMutableBufferPointer { levels in
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe columns.withUnsafeBufferPointer { columns in
          for index in 0..<before * fields {
            let level = context[index]
            unsafe levels[index] = level
            if level.isNaN { missing = true }
          }
          unsafe plan.centres.withUnsafeBufferPointer { centres in
            unsafe plan.inverses.withUnsafeBufferPointer { inverses in
              for row in 0..<count {
                let absent = unsafe scale(
                  rows.baseAddress! + (from + row) * width, width, columns, isPlain: isPlain,
                  into: levels.baseAddress! + (before + row) * fields, centres.baseAddress!,
                  inverses.baseAddress!, limit: levelLimit)
                if absent { missing = true }
              }
              if missing && imputation.filling.isOn {
                unsafe imputation.fill(levels, before: before, count: count, plan: plan)
              }
              unsafe inputs.withUnsafeMutableBufferPointer { inputs in
                if missing {
                  unsafe mask.withUnsafeMutableBufferPointer { mask in
                    guard let inputs = inputs.baseAddress, let mask = mask.baseAddress else { return }
                    for row in 0..<count {
                      unsafe deriveMasked(
                        levels, row: before + row, inputs + row * plan.width, mask + row * plan.width, plan)
                    }
                  }
                } else {
                  unsafe derive(levels, count, inputs, plan, centres.baseAddress!, inverses.baseAddress!)
                }
              }
            }
          }
          if wantsWindows {
            unsafe windows.withUnsafeMutableBufferPointer { windows in
              unsafe gather(levels, count, windows, plan, hasMissing: missing)
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

  /// Of one row of the last batch; empty when no detector sees windows.
  func window(_ row: Int, plan: InputPlan) -> [Float] {
    let width = plan.windowWidth
    return wantsWindows ? Array(windows[row * width..<(row + 1) * width]) : []
  }

  private mutating func grow(fields: Int, inputs width: Int, window: Int, before: Int, count: Int) {
    let rows = max(count, DetectorWorkspace.batchRows)
    func atLeast(_ array: inout [Float], _ count: Int) {
      if array.count < count { array.append(contentsOf: repeatElement(0, count: count - array.count)) }
    }
    atLeast(&levels, (before + rows) * fields)
    atLeast(&inputs, rows * width)
    atLeast(&mask, rows * width)
    if wantsWindows { atLeast(&windows, rows * window) }
  }
}

/// Four neighbours at once, or fewer at the end of a row, where the others are 0.
@inline(__always)
private func four(_ from: UnsafePointer<Float>, _ count: Int) -> SIMD4<Float> {
  if count >= 4 { return unsafe UnsafeRawPointer(from).loadUnaligned(as: SIMD4<Float>.self) }
  var values = SIMD4<Float>.zero
  for lane in 0..<count { unsafe values[lane] = from[lane] }
  return values
}

@inline(__always)
private func put(_ values: SIMD4<Float>, _ to: UnsafeMutablePointer<Float>, _ count: Int) {
  if count >= 4 {
    unsafe UnsafeMutableRawPointer(to).storeBytes(of: values, as: SIMD4<Float>.self)
  } else {
    for lane in 0..<count { unsafe to[lane] = values[lane] }
  }
}

/// Calls with the first index of each four and 4, in the end with what is left: two copies of the body, the first of
/// which has no questions in it.
@inline(__always)
private func eachFour(_ count: Int, _ body: (_ index: Int, _ count: Int) -> Void) {
  var index = 0
  while index &+ 4 <= count {
    body(index, 4)
    index &+= 4
  }
  if index < count { body(index, count &- index) }
}

/// Finds what needs care: NaN and infinity have larger bits than any limit, so that one comparison of integers does it.
private struct Beyond {
  private let limit: SIMD4<Int32>
  private var found = SIMD4<Int32>.zero

  init(_ limit: Float) { self.limit = SIMD4(repeating: Int32(bitPattern: limit.bitPattern)) }

  @inline(__always)
  mutating func look(at values: SIMD4<Float>) {
    let size = unsafe unsafeBitCast(values, to: SIMD4<Int32>.self) & 0x7fff_ffff
    unsafe found |= unsafeBitCast(size .> limit, to: SIMD4<Int32>.self)
  }

  var isAny: Bool { found != .zero }
}

/// One row of values into scaled, squashed levels; true when one is missing (then it is NaN).
///
/// - Parameter isPlain: value k is of field k.
@inline(__always)
private func scale(
  _ row: UnsafePointer<Float>, _ width: Int, _ columns: UnsafeBufferPointer<Int32>, isPlain: Bool,
  into levels: UnsafeMutablePointer<Float>, _ centres: UnsafePointer<Float>,
  _ inverses: UnsafePointer<Float>, limit: Float
) -> Bool {
  let fields = columns.count
  var beyond = Beyond(limit)
  if !isPlain {
    for field in 0..<fields {
      let column = unsafe Int(columns[field])
      unsafe levels[field] = column >= 0 && column < width ? row[column] : .nan
    }
  }
  let values = unsafe isPlain ? row : UnsafePointer(levels)
  eachFour(fields) { field, count in
    let distance = unsafe four(values + field, count) - four(centres + field, count)
    let level = unsafe distance * four(inverses + field, count)
    beyond.look(at: level)
    unsafe put(level, levels + field, count)
  }
  if !beyond.isAny { return false }
  var missing = false
  for field in 0..<fields {
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
  _ plan: InputPlan, _ centres: UnsafePointer<Float>, _ inverses: UnsafePointer<Float>
) {
  guard let levels = levels.baseAddress, let inputs = inputs.baseAddress else { return }
  let fields = plan.fields
  let before = plan.contextRows
  let width = plan.width
  let window = plan.window
  let isOrdered = plan.ordered
  let share = 1 / Float(window)
  let limit = plan.limit
  for row in 0..<count {
    let now = unsafe UnsafePointer(levels + (before &+ row) &* fields)
    let out = unsafe inputs + row &* width
    var beyond = Beyond(limit)
    eachFour(fields) { field, count in
      let level = unsafe four(now + field, count)
      unsafe put(level, out + field, count)
      if !isOrdered { return }
      var earlier = unsafe now + (field &- fields)
      let first = field &+ fields
      let change = unsafe level - four(earlier, count) - four(centres + first, count)
      let difference = unsafe change * four(inverses + first, count)
      beyond.look(at: difference)
      unsafe put(difference, out + first, count)
      var sum = level
      var back = 1
      while back < window {
        unsafe sum += four(earlier, count)
        unsafe earlier -= fields
        back &+= 1
      }
      let second = first &+ fields
      let distance = unsafe sum * share - four(centres + second, count)
      let mean = unsafe distance * four(inverses + second, count)
      beyond.look(at: mean)
      unsafe put(mean, out + second, count)
    }
    if beyond.isAny {
      for index in fields..<width { unsafe out[index] = squash(out[index], limit: limit) }
    }
  }
}

/// The same of one row when something is missing: what cannot be known is 0 and masked.
///
/// - Parameters:
///   - row: of `levels`.
///   - inputs: `plan.width` of them are written, as are those of `mask`.
func deriveMasked(
  _ levels: UnsafeMutableBufferPointer<Float>, row: Int, _ inputs: UnsafeMutablePointer<Float>,
  _ mask: UnsafeMutablePointer<Float>, _ plan: InputPlan
) {
  let fields = plan.fields
  func put(_ z: Float, _ observed: Bool, at index: Int) {
    unsafe inputs[index] = observed ? z : 0
    unsafe mask[index] = observed ? 1 : 0
  }
  for field in 0..<fields {
    let at = row * fields + field
    let now = unsafe levels[at]
    put(now, !now.isNaN, at: field)
    if !plan.ordered { continue }
    let difference = unsafe now - levels[at - fields]
    let first = fields + field
    put(
      squash((difference - plan.centres[first]) * plan.inverses[first], limit: plan.limit),
      !difference.isNaN, at: first)
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
      2 * observed >= Float(plan.window), at: second)
  }
}

/// The last rows of levels before and with each row, side by side.
private func gather(
  _ levels: UnsafeMutableBufferPointer<Float>, _ count: Int, _ windows: UnsafeMutableBufferPointer<Float>,
  _ plan: InputPlan, hasMissing: Bool
) {
  guard let levels = levels.baseAddress, let windows = windows.baseAddress else { return }
  let fields = plan.fields
  let width = plan.windowWidth
  let first = plan.contextRows &+ 1 &- plan.span
  for row in 0..<count {
    let window = unsafe windows + row &* width
    unsafe window.update(from: levels + (first &+ row) &* fields, count: width)
    guard hasMissing else { continue }
    for index in (0..<width).reversed() where unsafe window[index].isNaN {
      unsafe window[index] = index + fields < width ? window[index + fields] : 0
    }
  }
}
