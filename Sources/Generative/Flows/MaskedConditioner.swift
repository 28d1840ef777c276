import Gradients
import Networks
import Tensors

/// A masked perceptron that chooses the map of each column from the columns before it and the class (Germain et al. 2015).
///
/// Its units are sorted by degree, how many columns they may see. So it can also be run column after column, each unit once, at the
/// cost of a single pass: what is known so far fills the first rows of every weight.
struct MaskedConditioner: Sendable {
  private let layers: [Dense]
  /// Per layer, 1 where a unit may see an input.
  private let masks: [Tensor]
  private let width: Int
  private let parameters: Int
  /// The degree of each hidden unit, ascending.
  private let degrees: [Int]
  private let dropout: Dropout

  init(
    _ name: String, width: Int, classes: Int, parameters: Int, _ settings: some FlowSettings,
    in scope: inout ParameterScope
  ) {
    self.width = width
    self.parameters = parameters
    dropout = Dropout(settings.dropout)
    // Units of degree 0 see the class only.
    let least = classes > 0 ? 0 : 1
    let kinds = max(width - 1, least) - least + 1
    let units = (0..<settings.hidden).map { least + $0 * kinds / settings.hidden }
    let inputs = [Int](repeating: 0, count: classes) + Array(1...width)
    let outputs = (1...width).flatMap { [Int](repeating: $0, count: parameters) }
    let degrees = [inputs] + [[Int]](repeating: units, count: settings.depth) + [outputs]
    self.degrees = units
    masks = (0...settings.depth).map { i in
      let isLast = i == settings.depth
      return Tensor(
        degrees[i].flatMap { seen in degrees[i + 1].map { seen < $0 || seen == $0 && !isLast ? 1 : 0 } },
        shape: [degrees[i].count, degrees[i + 1].count])
    }
    layers = scope.within(name) { scope in
      (0...settings.depth).map { i in
        let isLast = i == settings.depth
        return Dense(
          "\(i)", degrees[i].count, degrees[i + 1].count, activation: isLast ? .identity : .silu,
          initializer: isLast ? .constant(0) : nil, in: &scope)
      }
    }
  }

  /// x `[rows, width]` to the choices for all columns, `[rows, width, parameters]`.
  func callAsFunction(_ x: Variable, _ given: Condition) -> Variable {
    let tape = x.tape
    var y = given.classes.map { concatenate([$0, x], axis: -1) } ?? x
    for (i, layer) in layers.enumerated() {
      let product = matmul(y, tape[layer.weight] * tape.input(masks[i]))
      y = layer.activation(layer.bias.map { product + tape[$0] } ?? product)
      if i < layers.count - 1 { y = dropout(y, isTraining: given.isTraining) }
    }
    return y.reshaped([x.shape[0], width, parameters])
  }

  /// Makes the columns of a row one after the other.
  ///
  /// - Parameter next: the column of this number, `[rows, 1]`, from its choices `[rows, 1, parameters]`.
  /// - Returns: `[rows, width]`
  func sequentially(
    rows: Int, _ given: Condition, on tape: Tape, next: (Int, Variable) -> Variable
  ) -> Variable {
    // What each layer sees so far.
    var known = [Variable?](repeating: nil, count: layers.count)
    known[0] = given.classes
    var columns: [Variable] = []
    for column in 0..<width {
      let units = range(ofDegree: column)
      for i in 0..<layers.count - 1 where !units.isEmpty {
        let block = part(layers[i], known[i], units, rows: rows, on: tape)
        append(dropout(block, isTraining: given.isTraining), to: &known[i + 1])
      }
      let outputs = column * parameters..<(column + 1) * parameters
      let choice = part(layers[layers.count - 1], known[layers.count - 1], outputs, rows: rows, on: tape)
        .reshaped([rows, 1, parameters])
      let made = next(column, choice)
      columns.append(made)
      append(made, to: &known[0])
    }
    return concatenate(columns, axis: 1)
  }

  private func append(_ new: Variable, to known: inout Variable?) {
    known = known.map { concatenate([$0, new], axis: 1) } ?? new
  }

  private func range(ofDegree degree: Int) -> Range<Int> {
    let first = degrees.firstIndex { $0 >= degree } ?? degrees.count
    let end = degrees.firstIndex { $0 > degree } ?? degrees.count
    return first..<end
  }

  /// Some units of a layer, from as many of its inputs as are known.
  private func part(
    _ layer: Dense, _ known: Variable?, _ units: Range<Int>, rows: Int, on tape: Tape
  ) -> Variable {
    let product = known.map { matmul($0, tape[layer.weight][0, 0..<$0.shape[1]][1, units]) }
    let bias = layer.bias.map { tape[$0][0, units] } ?? tape.input([units.count])
    return layer.activation(product.map { $0 + bias } ?? bias.expanded(to: [rows, units.count]))
  }
}
