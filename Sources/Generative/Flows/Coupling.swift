import Gradients
import Networks
import Tensors

/// A perceptron that sees some columns and the class, and chooses the maps of others. Its last layer begins at 0.
struct Conditioner: Sendable {
  private let hidden: [Dense]
  private let output: Dense?
  /// What is chosen where there is nothing to see.
  private let constant: Slot?
  private let dropout: Dropout

  init(
    _ name: String, inputs: Int, outputs: Int, _ settings: some FlowSettings, in scope: inout ParameterScope
  ) {
    dropout = Dropout(settings.dropout)
    guard inputs > 0 else {
      constant = scope.within(name) { $0.parameter("constant", [outputs]) }
      (hidden, output) = ([], nil)
      return
    }
    constant = nil
    (hidden, output) = scope.within(name) { scope in
      let widths = [inputs] + [Int](repeating: settings.hidden, count: settings.depth)
      let hidden = (0..<settings.depth).map {
        Dense("\($0)", widths[$0], widths[$0 + 1], activation: .silu, in: &scope)
      }
      let last = Dense(
        "\(settings.depth)", settings.hidden, outputs, initializer: .constant(0), in: &scope)
      return (hidden, last)
    }
  }

  /// x `[rows, inputs]`, which may be no columns at all (nil), to `[rows, outputs]`.
  func callAsFunction(_ x: Variable?, _ given: Condition, on tape: Tape, rows: Int) -> Variable {
    let seen = [x, given.classes].compactMap { $0 }
    if let constant { return tape[constant].expanded(to: tape[constant].shape.inserting(rows, at: 0)) }
    let first = seen.count == 1 ? seen[0] : concatenate(seen, axis: -1)
    let last = hidden.reduce(first) { dropout($1($0), isTraining: given.isTraining) }
    return output?(last) ?? last
  }
}

/// A coupling layer: half of the columns stay as they are and choose how the others are mapped (Dinh et al. 2014, section 3.2). Its
/// Jacobian is triangular, and it is undone in one pass. A single column is mapped by what nothing, or the class, chooses.
struct Coupling<Map: ElementMap>: Bijection {
  let map: Map
  private let conditioner: Conditioner
  /// Which columns are mapped, and which choose.
  private let changed: Range<Int>
  private let kept: Range<Int>

  /// - Parameter changesFirst: whether the first half is mapped.
  init(
    _ name: String, width: Int, classes: Int, changesFirst: Bool, _ map: Map, _ settings: some FlowSettings,
    in scope: inout ParameterScope
  ) {
    self.map = map
    let middle = (width + 1) / 2
    changed = changesFirst || width == 1 ? 0..<middle : middle..<width
    kept = changesFirst || width == 1 ? middle..<width : 0..<middle
    conditioner = Conditioner(
      name, inputs: kept.count + classes, outputs: changed.count * map.parameters, settings, in: &scope)
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    let (z, logSlope) = map.forward(x[1, changed], choice(x, given))
    return (joined(z, x), logSlope.map { $0.sum(-1) })
  }

  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    joined(map.inverse(z[1, changed], choice(z, given)), z)
  }

  private func choice(_ x: Variable, _ given: Condition) -> Variable {
    let rows = x.shape[0]
    let chosen = conditioner(kept.isEmpty ? nil : x[1, kept], given, on: x.tape, rows: rows)
    return chosen.reshaped([rows, changed.count, map.parameters])
  }

  private func joined(_ new: Variable, _ x: Variable) -> Variable {
    if kept.isEmpty { return new }
    let old = x[1, kept]
    return concatenate(changed.lowerBound == 0 ? [new, old] : [old, new], axis: 1)
  }
}
