public import Tensors

/// One differentiable function of tensors: its derivative stands beside it and is made of operations on the tape, so that a
/// gradient can be differentiated again. Small values (at most three words), so that none is boxed.
public protocol Operation: Sendable {
  /// The shape of the result; checks the operands' shapes.
  func shape(_ x: [Shape]) -> Shape

  /// Numbers that `forward` leaves for the derivative beside its result (nil: none), of this shape.
  func savedShape(_ x: [Shape]) -> Shape?

  /// Writes the result into `y`, which is contiguous. Runs again whenever the tape does: no allocation in here.
  func forward(_ x: Operands, into y: View)

  /// Per input, the gradient of the loss by it, or nil where it is zero or not needed.
  func derivative(_ at: Chain) -> [Variable?]

  /// The same by kernels that cannot be differentiated again; nil when there are none.
  func fastDerivative(_ at: Chain) -> [Variable?]?

  /// Whether a gradient can flow through at all; where not, the walk back does not come here.
  var passesGradient: Bool { get }

  /// Whether the result may lie where a contiguous operand of its size does: each number is made of those at its place.
  var worksInPlace: Bool { get }

  /// As the tape prints it.
  var name: String { get }
}

extension Operation {
  public func shape(_ x: [Shape]) -> Shape { x[0] }
  public func savedShape(_ x: [Shape]) -> Shape? { nil }
  public func fastDerivative(_ at: Chain) -> [Variable?]? { nil }
  public var passesGradient: Bool { true }
  public var worksInPlace: Bool { false }
  public var name: String { "\(type(of: self))" }
}

/// An operation that only looks at its operand's numbers differently: nothing is computed or copied.
protocol ViewOperation: Operation {
  func layout(_ x: Layout) -> Layout
}

extension ViewOperation {
  func forward(_ x: Operands, into y: View) {}
}

/// An operation that is not differentiated any further: the fast derivative of another.
protocol Terminal: Operation {}

extension Terminal {
  func derivative(_ at: Chain) -> [Variable?] {
    preconditionFailure(
      "\(name) is a fast derivative; ask for the first gradient with `differentiable: true` to differentiate it"
    )
  }
}

/// What an operation's derivative is made from.
public struct Chain {
  /// The loss by the result.
  public let gradient: Variable
  public let inputs: [Variable]
  public let output: Variable
  /// What `forward` saved.
  public let saved: Variable?
  /// The loss by what `forward` saved, where that was read as a further result.
  let savedGradient: Variable?
  let needed: [Bool]

  public subscript(input: Int) -> Variable { inputs[input] }
  /// Whether anybody wants the gradient by this input.
  public func needs(_ input: Int) -> Bool { needed[input] }
  /// The gradient by an input when it is wanted.
  public func by(_ input: Int, _ gradient: () -> Variable) -> Variable? {
    needed[input] ? gradient() : nil
  }
}

/// The operands of an operation when it runs, as views.
@safe public struct Operands {
  let views: UnsafePointer<View>
  let edges: UnsafePointer<Int32>?
  public let count: Int
  /// What the operation saves for its derivative.
  let savedAt: Int
  /// How often the tape has run; makes random operations draw anew.
  public let step: UInt64
  public let workers: Workers

  public subscript(input: Int) -> View {
    guard input >= 0 && input < count, let edges = unsafe edges else {
      preconditionFailure("operand \(input) of \(count)")
    }
    return unsafe views[Int(edges[input])]
  }

  /// Where the operation saves numbers for its derivative.
  public var saved: View {
    precondition(savedAt >= 0, "an operation that saves nothing")
    return unsafe views[savedAt]
  }
}
