import Gradients
import Networks
import Tensors

/// A residual LSTM layer of a PixelRNN.
protocol RecurrentPixelLayer: Sendable {
  /// x `[rows, 2 · units, height, width]`, which each place sees up to itself (mask B), to the same shape.
  func callAsFunction(_ x: Variable) -> Variable

  /// The same at one place after the other, with what later places see of it kept.
  ///
  /// - Parameters:
  ///   - x: the features of one place, `[rows, 2 · units, 1, 1]`.
  ///   - width: of the picture.
  func steps(_ x: Variable, width: Int) -> PixelSteps
}

/// A layer that goes from place to place. Its output is recorded on the tape of its input.
struct PixelSteps {
  /// Of the place, `[rows, 2 · units, 1, 1]`.
  let output: Variable
  /// To be called before the first place of each row but the first one, when all of the row above is done.
  let beginRow: () -> Void
  /// Before the tape runs at a column, and after it did.
  let before: (Int) -> Void
  let after: (Int) -> Void
}

/// The Row LSTM (section 3.1): the state is a row; a pixel sees the three above it, and by them a triangle, and to the left what the
/// convolutions see.
struct RowLayer: RecurrentPixelLayer {
  private let lstm: ConvolutionalLSTM
  private let up: PixelConvolution

  init(_ name: String, _ units: Int, in scope: inout ParameterScope) {
    (lstm, up) = scope.within(name) { scope in
      (
        ConvolutionalLSTM("lstm", 2 * units, units, left: 1, before: 1, after: 1, in: &scope),
        PixelConvolution("up", units, 2 * units, in: &scope)
      )
    }
  }

  func callAsFunction(_ x: Variable) -> Variable { x + up(lstm.scan(lstm.input(x))) }

  func steps(_ x: Variable, width: Int) -> PixelSteps {
    let (tape, rows, units) = (x.tape, x.shape[0], lstm.units)
    let left = tape.input([rows, 2 * units, 1, 1])
    let joined = concatenate([left, x], axis: 3)
    let seen = tape.input([rows, 4 * units, 1, 1])
    let cell = tape.input([rows, units, 1, 1])
    let next = lstm.step(lstm.input(joined, hasPast: true) + seen, cell: cell)
    // What the states of the row above contribute to the next one, and where the row is gathered.
    let above = Tape(tape.parameters)
    let states = above.input([rows, units, 1, width])
    let contribution = lstm.seen(states)
    let cells = above.input([rows, units, 1, width])
    return PixelSteps(
      output: x + up(next.hidden),
      beginRow: {
        above.rerun()
        left.view.fill(0)
      },
      before: { column in
        seen.view.copy(contribution.view.sliced(3, from: column, count: 1))
        cell.view.copy(cells.view.sliced(3, from: column, count: 1))
      },
      after: { column in
        states.view.sliced(3, from: column, count: 1).copy(next.hidden.view)
        cells.view.sliced(3, from: column, count: 1).copy(next.cell.view)
        left.view.copy(x.view)
      })
  }
}

/// The Diagonal BiLSTM (section 3.2): two states that are diagonals; a pixel sees its neighbour to the left or to the right and the
/// one above, and by them everything before it. What comes from the right is taken from one row higher, since in its own row
/// it would know of later pixels.
struct DiagonalLayer: RecurrentPixelLayer {
  private let left: ConvolutionalLSTM
  /// None for pictures of one row.
  private let right: ConvolutionalLSTM?
  private let up: PixelConvolution

  init(_ name: String, _ units: Int, hasRowsAbove: Bool, in scope: inout ParameterScope) {
    (left, right, up) = scope.within(name) { scope in
      func lstm(_ name: String, _ scope: inout ParameterScope) -> ConvolutionalLSTM {
        ConvolutionalLSTM(name, 2 * units, units, left: 0, before: 1, after: 0, in: &scope)
      }
      return (
        lstm("left", &scope), hasRowsAbove ? lstm("right", &scope) : nil,
        PixelConvolution("up", units, 2 * units, in: &scope)
      )
    }
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let width = x.shape[3]
    let fromLeft = left.scan(left.input(x).skewed().transposed(2, 3)).transposed(2, 3)
      .unskewed(width: width)
    guard let right else { return x + up(fromLeft) }
    let fromRight = right.scan(right.input(x).skewedBack().transposed(2, 3), fromEnd: true)
      .transposed(2, 3).unskewedBack(width: width)
    return x + up(fromLeft + fromRight.shifted(2))
  }

  func steps(_ x: Variable, width: Int) -> PixelSteps {
    let (tape, rows, units) = (x.tape, x.shape[0], left.units)
    let state: Shape = [rows, units, 1, 1]
    // Of the place above and the place before.
    let (above, before, cell) = (tape.input(state), tape.input(state), tape.input(state))
    let seen = left.seen(concatenate([above, before], axis: 3), isWhole: false)
    let next = left.step(left.input(x) + seen, cell: cell)
    let fromRight = tape.input(state)
    let output = x + up(right == nil ? next.hidden : next.hidden + fromRight)
    // The row that is being done, and the states from the right of the row above.
    let row = Tape(tape.parameters)
    let states = row.input([rows, units, 1, width])
    let features = row.input([rows, 2 * units, 1, width])
    let statesAbove = row.input([rows, units, 1, width])
    let backwards = right.map { Self.backwards($0, features, above: statesAbove) }
    return PixelSteps(
      output: output,
      beginRow: {
        if let backwards {
          row.rerun()
          statesAbove.view.copy(backwards.view)
        }
        before.view.fill(0)
        cell.view.fill(0)
      },
      before: { column in
        above.view.copy(states.view.sliced(3, from: column, count: 1))
        fromRight.view.copy(statesAbove.view.sliced(3, from: column, count: 1))
      },
      after: { column in
        states.view.sliced(3, from: column, count: 1).copy(next.hidden.view)
        features.view.sliced(3, from: column, count: 1).copy(x.view)
        before.view.copy(next.hidden.view)
        cell.view.copy(next.cell.view)
      })
  }

  /// One row of the LSTM from the right, given its states in the row above: `[rows, units, 1, width]`.
  private static func backwards(_ lstm: ConvolutionalLSTM, _ x: Variable, above: Variable) -> Variable {
    let z = lstm.input(x)
    var state: (hidden: Variable, cell: Variable)?
    var outputs: [Variable] = []
    for column in (0..<x.shape[3]).reversed() {
      let above = above[3, column..<column + 1]
      let before = state?.hidden ?? x.tape.input(above.shape)
      let seen = lstm.seen(concatenate([above, before], axis: 3), isWhole: false)
      let next = lstm.step(z[3, column..<column + 1] + seen, cell: state?.cell)
      outputs.append(next.hidden)
      state = next
    }
    return concatenate(outputs.reversed(), axis: 3)
  }
}

extension Variable {
  /// Each row of `[rows, channels, height, width]` moved to the right by its number, with zeros around: columns are diagonals from
  /// the upper right to the lower left, `[rows, channels, height, width + height - 1]`.
  func skewed() -> Variable {
    let (height, width) = (shape[2], shape[3])
    // A pitch of one less moves each row by one more.
    let flat = padded(self, (before: 0, after: height), axes: [3])
      .reshaped([shape[0], shape[1], height * (width + height)])
    return flat[2, 0..<height * (width + height - 1)].contiguous()
      .reshaped([shape[0], shape[1], height, width + height - 1])
  }

  /// The opposite of ``skewed()``.
  func unskewed(width: Int) -> Variable {
    let (height, wide) = (shape[2], shape[3])
    let flat = contiguous().reshaped([shape[0], shape[1], height * wide])
    return padded(flat, (before: 0, after: height), axes: [2])
      .reshaped([shape[0], shape[1], height, wide + 1])[3, 0..<width].contiguous()
  }

  /// The same with the first row moved most and the last one not at all: diagonals from the upper left to the lower right, the
  /// upper left one last.
  func skewedBack() -> Variable {
    let (height, width) = (shape[2], shape[3])
    guard height > 1 else { return self }
    // A pitch of one more moves each row by one less.
    let flat = padded(self, (before: 0, after: height - 2), axes: [3])
      .reshaped([shape[0], shape[1], height * (width + height - 2)])
    return padded(padded(flat, (before: height - 1, after: 0), axes: [2]), (before: 0, after: 1), axes: [2])
      .reshaped([shape[0], shape[1], height, width + height - 1])
  }

  /// The opposite of ``skewedBack()``.
  func unskewedBack(width: Int) -> Variable {
    let (height, wide) = (shape[2], shape[3])
    guard height > 1 else { return self }
    let flat = contiguous().reshaped([shape[0], shape[1], height * wide])
    return flat[2, height - 1..<height * wide - 1].contiguous()
      .reshaped([shape[0], shape[1], height, wide - 1])[3, 0..<width].contiguous()
  }
}
