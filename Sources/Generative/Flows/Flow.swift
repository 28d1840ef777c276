import Gradients
import Tensors

/// A one-to-one map of rows whose change of volume is known: one layer of a flow.
protocol Bijection: Sendable {
  /// From data towards noise: x `[rows, width]` to z of the same shape, and `log |det ∂z/∂x|`, `[rows]` or, where it is the same
  /// for all rows, `[1]`; nil where it is 0.
  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?)
  /// The row that ``forward(_:_:)`` maps onto z.
  func inverse(_ z: Variable, _ given: Condition) -> Variable
}

/// What every layer of a flow is told beside the rows.
struct Condition {
  /// A 1 at the class of each row, `[rows, classes]`; nil without classes.
  var classes: Variable?
  var isTraining = false
}

/// `z = f_n(… f_1(x))` with independent numbers z: `log p(x) = log p(z) + Σ log |det ∂f_i|` (Dinh et al. 2014, equation 1).
public struct Flow: Sendable {
  let width: Int
  /// 0 for a flow that is told no classes.
  let classes: Int
  let steps: [any Bijection]
  let base: BaseDensity
  /// How levels and bits become numbers without gaps; nil for real numbers.
  let dequantisation: Dequantisation?
  /// The deviation of normal noise on the rows while training, in deviations of a column.
  let noise: Float

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable) {
    var z = x
    // A number for each row, also where every layer changes the volume alike.
    var sum = x.tape.input([x.shape[0]])
    for step in steps {
      let (next, logDeterminant) = step.forward(z, given)
      z = next
      if let logDeterminant { sum = sum + logDeterminant }
    }
    return (z, sum)
  }

  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    steps.reversed().reduce(z) { $1.inverse($0, given) }
  }

  /// `log p(x)`, `[rows]`
  func logDensity(_ x: Variable, _ given: Condition) -> Variable {
    let (z, logDeterminant) = forward(x, given)
    return base.logDensity(z) + logDeterminant
  }

  /// The condition of rows of these classes; of no class where nobody says which.
  func condition(_ labels: Variable?, isTraining: Bool, on tape: Tape, rows: Int) -> Condition {
    guard classes > 0 else { return Condition(isTraining: isTraining) }
    guard let labels else {
      return Condition(classes: tape.input([rows, classes]), isTraining: isTraining)
    }
    let each = tape.input(Tensor((0..<classes).map(Float.init), shape: [classes]))
    return Condition(classes: equal(labels.inserting(1), each), isTraining: isTraining)
  }
}

/// Between -bound and bound, with slope 1 at 0: keeps scales finite however far out a row lies.
func bounded(_ x: Variable, by bound: Float) -> Variable { tanh(x * (1 / bound)) * bound }
