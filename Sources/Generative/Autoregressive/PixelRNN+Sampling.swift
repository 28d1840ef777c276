public import Gradients
import Networks
import Tensors

extension PixelRNN {
  /// Pixel after pixel; every layer computes each place once and keeps what later places see of it.
  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let (count, width) = (request.count, picture.width)
    guard count > 0 else { return [] }
    let tape = Tape(buffer)
    let left = tape.input([count, 1, 1, first.left.left + 1])
    let above = FirstRows(first, count: count, width: width, buffer)
    let aboveHere = above.map { tape.input([count, $0.output.shape[1], 1, 1]) }
    var x = first.left(left, hasPast: true)
    if let aboveHere { x = x + aboveHere }
    var steps: [PixelSteps] = []
    for layer in layers {
      steps.append(layer.steps(x, width: width))
      x = steps[steps.count - 1].output
    }
    let logits = output(x).contiguous()

    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    var rows = [Float](repeating: 0, count: count * picture.size)
    for y in 0..<picture.height {
      if y > 0 {
        above?.move(down: rows, to: y, picture)
        for step in steps { step.beginRow() }
      }
      for column in 0..<width {
        tape.assign(left, picture.pixels(rows, before: column, y: y, reach: left.shape[3]))
        if let above, let aboveHere {
          aboveHere.view.copy(above.output.view.sliced(3, from: column, count: 1))
        }
        for step in steps { step.before(column) }
        tape.rerun()
        for step in steps { step.after(column) }
        for (row, value) in distribution.draw(logits.view.values, &random).enumerated() {
          rows[row * picture.size + y * width + column] = value
        }
      }
    }
    return rows
  }
}

/// What the first convolution sees in the rows above a row.
private struct FirstRows {
  private let tape: Tape
  private let input: Variable
  /// `[count, outputs, 1, width]`
  let output: Variable

  init?(_ first: PixelsBefore, count: Int, width: Int, _ buffer: ParameterBuffer) {
    guard let above = first.above else { return nil }
    tape = Tape(buffer)
    input = tape.input([count, 1, above.above + 1, width])
    output = above(input, hasPast: true)
  }

  func move(down rows: [Float], to y: Int, _ picture: PictureForm) {
    let height = input.shape[2]
    var window: [Float] = []
    for start in stride(from: 0, to: rows.count, by: picture.size) {
      for line in y - height..<y {
        window +=
          line < 0
          ? ArraySlice(repeating: 0, count: picture.width)
          : rows[start + line * picture.width..<start + (line + 1) * picture.width]
      }
    }
    tape.assign(input, window)
    tape.rerun()
  }
}

extension PictureForm {
  /// So many pixels before a column in every picture's row y, zeros beyond the border.
  fileprivate func pixels(_ rows: [Float], before column: Int, y: Int, reach: Int) -> [Float] {
    stride(from: y * width, to: rows.count, by: size).flatMap { line in
      (column - reach..<column).map { $0 < 0 ? 0 : rows[line + $0] }
    }
  }
}
