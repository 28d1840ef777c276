import CVectorMath

// Matrices of the arena taken row by row: standardised, compared, summed.

extension Arena {
  /// `z = clamp((x - shift) · scale, ±bound)` for rows that lie elsewhere, from row `first` on; masked entries give 0.
  public mutating func standardise(
    _ x: [Float], mask: [Float]?, first: Int, rows: Int, shift: [Float], scale: [Float], bound: Float,
    into z: Region
  ) {
    let columns = shift.count
    let start = first * columns
    precondition(
      first >= 0 && start + rows * columns <= x.count && scale.count == columns
        && mask.map { start + rows * columns <= $0.count } ?? true,
      "\(x.count) inputs are not \(first) + \(rows) rows of \(columns)")
    unsafe with { base in
      unsafe x.withUnsafeBufferPointer { x in
        guard let from = x.baseAddress, let to = unsafe Self.at(base, z, rows * columns) else { return }
        if let mask {
          unsafe mask.withUnsafeBufferPointer { mask in
            unsafe vm_standardise_rows(
              rows, columns, from + start, mask.baseAddress.map { unsafe $0 + start }, shift, scale, bound, to
            )
          }
        } else {
          unsafe vm_standardise_rows(rows, columns, from + start, nil, shift, scale, bound, to)
        }
      }
    }
  }

  /// True when the size of one of a region's first `count` numbers exceeds the bound.
  public mutating func anyBeyond(_ bound: Float, _ x: Region, count: Int) -> Bool {
    unsafe with { base in unsafe vm_any_beyond(count, Self.at(base, x, count), bound) != 0 }
  }

  /// Per row, `Σ mask · weight · (x - y)²` into `sum` and `Σ mask` into `count`; nil `y` is zero, nil weights are ones; the mask lies
  /// elsewhere and is read from row `first` on.
  public mutating func squaredErrorRows(
    rows: Int, columns: Int, _ x: Region, _ y: Region?, weight: [Float]?, mask: [Float]?, first: Int,
    sum: Region, count: Region
  ) {
    precondition(weight?.count ?? columns == columns, "\(weight?.count ?? 0) weights for \(columns) columns")
    let start = first * columns
    precondition(
      mask.map { start + rows * columns <= $0.count } ?? true, "the mask ends before row \(first + rows)")
    unsafe with { base in
      let a = unsafe Self.at(base, x, rows * columns)
      let b = unsafe y.flatMap { unsafe Self.at(base, $0, rows * columns) }
      let s = unsafe Self.at(base, sum, rows)
      let n = unsafe Self.at(base, count, rows)
      if let mask {
        unsafe mask.withUnsafeBufferPointer { mask in
          unsafe vm_squared_error_rows(
            rows, columns, a, b, weight, mask.baseAddress.map { unsafe $0 + start }, s, n)
        }
      } else {
        unsafe vm_squared_error_rows(rows, columns, a, b, weight, nil, s, n)
      }
    }
  }

  /// `sum[r] = Σ_c softplus(x[r, c])`
  public mutating func softplusSumRows(rows: Int, columns: Int, _ x: Region, sum: Region) {
    unsafe with { base in
      unsafe vm_bias_softplus_sum_rows(
        rows, columns, nil, Self.at(base, x, rows * columns), Self.at(base, sum, rows))
    }
  }

  /// `delta = mask · (y - x)`; returns `Σ mask · (y - x)²`.
  public mutating func maskedError(
    rows: Int, columns: Int, target x: Region, output y: Region, mask: Region?, delta: Region
  ) -> Float {
    unsafe with { base in
      unsafe vm_masked_error(
        rows, columns, Self.at(base, x, rows * columns), Self.at(base, y, rows * columns), nil,
        mask.flatMap { unsafe Self.at(base, $0, rows * columns) }, Self.at(base, delta, rows * columns))
    }
  }

  /// `sum (+)= scale · Σ_r x[r, ·]`
  public mutating func columnSums(
    rows: Int, columns: Int, _ x: Region, scale: Float = 1, into sum: Region, accumulate: Bool = false
  ) {
    if !accumulate { fill(sum, with: 0) }
    unsafe with { base in
      unsafe vm_column_sums(
        rows, columns, scale, Self.at(base, x, rows * columns), Self.at(base, sum, columns))
    }
  }

  /// `x[r, c] = shift[c] + scale[c] · (x[r, c] + noise[r, c])`
  public mutating func affineRows(
    rows: Int, columns: Int, _ x: Region, shift: Region, scale: Region, noise: Region?
  ) {
    unsafe with { base in
      unsafe vm_affine_rows(
        rows, columns, Self.at(base, shift, columns), Self.at(base, scale, columns),
        noise.flatMap { unsafe Self.at(base, $0, rows * columns) }, Self.at(base, x, rows * columns))
    }
  }

  /// `x[r, c] *= scale[c]`
  public mutating func scaleRows(rows: Int, columns: Int, _ x: Region, by scale: Region) {
    unsafe with { base in
      unsafe vm_scale_rows(rows, columns, Self.at(base, scale, columns), Self.at(base, x, rows * columns))
    }
  }

  /// `result[at + r] = factor · x[r] + otherFactor · y[r]` for the rows of one micro-batch.
  public mutating func combineRows(
    rows: Int, _ x: Region, factor: Float, _ y: Region, otherFactor: Float, into result: inout [Float],
    at start: Int
  ) {
    precondition(
      x.count >= rows && y.count >= rows && start >= 0 && start + rows <= result.count,
      "\(rows) results from \(start) on in \(result.count)")
    for r in 0..<rows {
      result[start + r] = factor * values[x.offset + r] + otherFactor * values[y.offset + r]
    }
  }

  /// `result[at + r] = x[r] / max(y[r], 1)`
  public mutating func divideRows(
    rows: Int, _ x: Region, by y: Region, into result: inout [Float], at start: Int
  ) {
    precondition(
      x.count >= rows && y.count >= rows && start >= 0 && start + rows <= result.count,
      "\(rows) results from \(start) on in \(result.count)")
    for r in 0..<rows { result[start + r] = values[x.offset + r] / max(values[y.offset + r], 1) }
  }
}
