public import Gradients
import Networks
import Tensors

extension PixelCNN {
  /// Row after row and pixel after pixel; every layer computes each place once and keeps what later places see of it.
  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    guard request.count > 0 else { return [] }
    let labels = labels(of: request)
    let above = RowsAbove(self, labels: labels, count: request.count, buffer)
    let row = RowSoFar(self, labels: labels, count: request.count, buffer)
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    var rows = [Float](repeating: 0, count: request.count * picture.size)
    var drawn = [Float](repeating: 0, count: request.count * picture.width)
    for y in 0..<picture.height {
      above.move(down: drawn)
      row.begin()
      for x in 0..<picture.width {
        let values = distribution.draw(row.logits(at: x, above), &random)
        row.move(right: values)
        for (i, value) in values.enumerated() {
          drawn[i * picture.width + x] = value
          rows[i * picture.size + y * picture.width + x] = value
        }
      }
    }
    return rows
  }
}

/// The vertical stack at one row: its input is the row above, and each layer keeps the rows that its kernel sees.
private struct RowsAbove {
  private let tape: Tape
  private let input: Variable
  /// For each layer the rows before, and the same with the newest one behind them.
  private var kept: [(past: Variable, joined: Variable)] = []
  /// `[count, 2 · channels, 1, width]` for the horizontal stack of each layer.
  private(set) var across: [Variable] = []

  init(_ model: PixelCNN, labels: [Int]?, count: Int, _ buffer: ParameterBuffer) {
    tape = Tape(buffer)
    input = tape.input([count, 1, 1, model.picture.width])
    let classes = tape.classes(labels)
    var x = input
    for layer in model.layers {
      guard let vertical = layer.vertical else { break }
      let past =
        vertical.above == 0
        ? nil
        : tape.input([count, vertical.inputs, vertical.above, model.picture.width])
      let joined = past.map { concatenate([$0, x], axis: 2) } ?? x
      if let past { kept.append((past, joined)) }
      let result = layer.vertical(joined, labels: classes, hasPast: true)
      if let features = result.features { x = features }
      if let seen = result.across { across.append(seen) }
    }
  }

  /// - Parameter row: the row above, `count × width`.
  func move(down row: [Float]) {
    guard !across.isEmpty else { return }
    tape.assign(input, row)
    tape.rerun()
    for (past, joined) in kept {
      past.view.copy(joined.view.sliced(2, from: 1, count: past.shape[2]))
    }
  }
}

/// The horizontal stack at one place: its input is the pixel to the left, and each layer keeps the places that its kernel sees.
private struct RowSoFar {
  private let tape: Tape
  private let input: Variable
  private var across: [Variable] = []
  private var kept: [(past: Variable, joined: Variable)] = []
  private let output: Variable

  init(_ model: PixelCNN, labels: [Int]?, count: Int, _ buffer: ParameterBuffer) {
    tape = Tape(buffer)
    input = tape.input([count, 1, 1, 1])
    let classes = tape.classes(labels)
    var x = input
    for layer in model.layers {
      let past =
        layer.horizontal.left == 0
        ? nil
        : tape.input([count, layer.horizontal.inputs, 1, layer.horizontal.left])
      let joined = past.map { concatenate([$0, x], axis: 3) } ?? x
      if let past { kept.append((past, joined)) }
      if layer.across != nil { across.append(tape.input([count, 2 * layer.channels, 1, 1])) }
      x = layer.horizontal(
        joined, across: layer.across == nil ? nil : across.last, labels: classes, hasPast: true)
    }
    output = model.output(x).contiguous()
  }

  /// Left of a row is nothing.
  func begin() {
    input.view.fill(0)
    for (past, _) in kept { past.view.fill(0) }
  }

  /// The logits of the next pixel, `count × outputs`.
  func logits(at column: Int, _ above: RowsAbove) -> [Float] {
    for (input, all) in zip(across, above.across) {
      input.view.copy(all.view.sliced(3, from: column, count: 1))
    }
    tape.rerun()
    for (past, joined) in kept {
      past.view.copy(joined.view.sliced(3, from: 1, count: past.shape[3]))
    }
    return output.view.values
  }

  /// - Parameter pixels: those just drawn.
  func move(right pixels: [Float]) { tape.assign(input, pixels) }
}

extension Tape {
  fileprivate func classes(_ labels: [Int]?) -> Variable? {
    labels.map { input(Tensor($0.map(Float.init), shape: [$0.count])) }
  }
}
