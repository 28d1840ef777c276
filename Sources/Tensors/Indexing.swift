import CVectorMath

/// Rows chosen by whole numbers held as `Float`s.
public enum Indexing {
  /// `y[i] = table[indices[i]]`: the table is `[n, …]`.
  public static func gather(_ table: View, _ indices: View, into y: View) {
    let n = table.shape[0]
    let width = table.count / max(n, 1)
    precondition(
      table.isContiguous && indices.isContiguous && y.count == indices.count * width,
      "\(indices.count) rows of \(table.shape) into \(y.shape)")
    for i in 0..<indices.count {
      let row = unsafe Int(indices.start[i])
      precondition(row >= 0 && row < n, "row \(row) of a table of \(n)")
      unsafe (y.start + i * width).update(from: table.start + row * width, count: width)
    }
  }

  /// `table[indices[i]] += y[i]`, from zeros.
  public static func scatter(_ y: View, _ indices: View, into table: View) {
    let n = table.shape[0]
    let width = table.count / max(n, 1)
    precondition(
      table.isContiguous && indices.isContiguous && y.isContiguous && y.count == indices.count * width,
      "\(y.shape) into \(indices.count) rows of \(table.shape)")
    table.fill(0)
    for i in 0..<indices.count {
      let row = unsafe Int(indices.start[i])
      precondition(row >= 0 && row < n, "row \(row) of a table of \(n)")
      unsafe vm_axpy(width, 1, y.start + i * width, table.start + row * width)
    }
  }

  /// 1 at the column that each index names, 0 elsewhere.
  public static func oneHot(_ indices: View, into y: View) {
    let n = y.count / max(indices.count, 1)
    y.fill(0)
    for i in 0..<indices.count {
      let column = unsafe Int(indices.start[i])
      precondition(column >= 0 && column < n, "class \(column) of \(n)")
      unsafe y.start[i * n + column] = 1
    }
  }

  /// `y[k] = Σ_{l ≤ k} x[l]` along the last axis, or over `l ≥ k` when reversed.
  public static func cumulativeSum(_ x: View, reversed: Bool, into y: View) {
    let (rows, n) = Softmax.rows(x)
    unsafe vm_cumulative_sum(rows, n, 1, x.start, y.start, reversed ? 1 : 0, 0)
  }
}
