import CVectorMath

/// What squared distances are made of, by rows.
///
/// Sums go term after term in the order of a row's numbers, whatever comes beside it: the same bits on every processor, and for
/// any part of the rows alone.
public enum Distances {
  /// Adds `Σ factor · x²` of each row to `sums`.
  ///
  /// - Parameters:
  ///   - columns: numbers that are summed of each row.
  ///   - first: where those of the first row begin in `x`.
  ///   - step: from row to row.
  ///   - factors: one for each of the columns; nil: all are 1.
  public static func addSquares(
    rows: Int, columns: Int, _ x: [Float], from first: Int = 0, step: Int, factors: [Float]? = nil,
    to sums: inout [Float]
  ) {
    check(rows: rows, columns: columns, x, from: first, step: step, sums)
    if let factors {
      precondition(factors.count >= columns, "\(factors.count) factors of \(columns) columns")
    }
    guard rows > 0, columns > 0 else { return }
    unsafe x.withUnsafeBufferPointer { x in
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let x = x.baseAddress, let sums = sums.baseAddress else { return }
        guard let factors else {
          return unsafe vm_ordered_squares(rows, columns, x + first, step, nil, nil, nil, sums)
        }
        unsafe factors.withUnsafeBufferPointer { factors in
          unsafe vm_ordered_squares(rows, columns, x + first, step, nil, factors.baseAddress, nil, sums)
        }
      }
    }
  }

  /// Puts `x − shift` into `centred` (`rows × columns`), and adds the sum of its squares to `sums`.
  ///
  /// - Parameter shift: one for each of the columns, which `x` holds side by side.
  public static func centre(
    rows: Int, _ x: [Float], shift: [Float], into centred: inout [Float], addingSquaresTo sums: inout [Float]
  ) {
    let columns = shift.count
    check(rows: rows, columns: columns, x, from: 0, step: columns, sums)
    precondition(centred.count >= rows * columns, "room for \(centred.count) of \(rows) × \(columns) numbers")
    guard rows > 0, columns > 0 else { return }
    unsafe x.withUnsafeBufferPointer { x in
      unsafe shift.withUnsafeBufferPointer { shift in
        unsafe centred.withUnsafeMutableBufferPointer { centred in
          unsafe sums.withUnsafeMutableBufferPointer { sums in
            guard let x = x.baseAddress, let sums = sums.baseAddress else { return }
            unsafe vm_ordered_squares(
              rows, columns, x, columns, shift.baseAddress, nil, centred.baseAddress, sums)
          }
        }
      }
    }
  }

  /// Of each row, the least of `squares[p] − 2 Σ x · point p` into `least`: with the row's own square it is the squared distance to
  /// the nearest point.
  ///
  /// - Parameters:
  ///   - columns: the points, `width × points`; any multiple of 16 of them is quickest.
  ///   - squares: their squared lengths; one that is infinite does not count.
  public static func nearest(
    rows: Int, width: Int, _ x: [Float], columns: [Float], squares: [Float], into least: inout [Float]
  ) {
    check(rows: rows, columns: width, x, from: 0, step: width, least)
    precondition(
      columns.count >= width * squares.count,
      "\(columns.count) numbers of \(squares.count) points of \(width)")
    guard rows > 0 else { return }
    unsafe x.withUnsafeBufferPointer { x in
      unsafe columns.withUnsafeBufferPointer { columns in
        unsafe squares.withUnsafeBufferPointer { squares in
          unsafe least.withUnsafeMutableBufferPointer { least in
            guard let x = x.baseAddress, let columns = columns.baseAddress, let least = least.baseAddress
            else {
              return
            }
            unsafe vm_nearest(rows, squares.count, width, x, width, columns, squares.baseAddress, least)
          }
        }
      }
    }
  }

  private static func check(
    rows: Int, columns: Int, _ x: [Float], from first: Int, step: Int, _ sums: [Float]
  ) {
    precondition(
      rows >= 0 && columns >= 0 && first >= 0
        && (rows == 0 || first + (rows - 1) * step + columns <= x.count),
      "\(x.count) numbers for \(rows) rows of \(columns) from \(first) on, \(step) apart")
    precondition(sums.count >= rows, "room for \(sums.count) of \(rows) sums")
  }
}
