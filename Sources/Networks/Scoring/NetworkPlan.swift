public import Gradients
public import Tensors

/// Any trained network compiled for use, once per number of rows: forward only, in memory that values share, and without
/// allocation. Belongs to one thread; several plans may share their parameters.
///
/// For dense networks on the event path ``InferencePlan`` is leaner: a value whose working space is lent.
public final class NetworkPlan {
  private let buffer: ParameterBuffer
  private let workers: Workers
  private let row: Shape
  private let network: (Variable) -> Variable
  private var plans: [Int: ForwardPlan] = [:]

  /// - Parameters:
  ///   - buffer: the weights; they are read at each run.
  ///   - row: the shape of one row of the input, without the axis of rows.
  ///   - network: from `[rows] + row` to the output; must not depend on the numbers it sees.
  public init(
    _ buffer: ParameterBuffer, row: Shape, workers: Workers = Workers(),
    network: @escaping (Variable) -> Variable
  ) {
    self.buffer = buffer
    self.row = row
    self.workers = workers
    self.network = network
  }

  /// A plan of one thread among several that read the same parameters.
  public convenience init(
    _ parameters: FrozenParameters, row: Shape, workers: Workers = Workers(),
    network: @escaping (Variable) -> Variable
  ) {
    self.init(parameters.buffer, row: row, workers: workers, network: network)
  }

  /// Numbers in one row of the input.
  public var inputs: Int { row.size }

  /// The plan for so many rows, compiled when they are seen for the first time.
  public func plan(rows: Int) -> ForwardPlan {
    if let plan = plans[rows] { return plan }
    let tape = Tape(buffer, workers: workers)
    let input = tape.input(row.inserting(rows, at: 0))
    let plan = tape.plan(from: [input], to: network(input).contiguous())
    plans[rows] = plan
    return plan
  }

  /// The network's output for some rows, where it lies until the next run of as many rows.
  ///
  /// - Parameters:
  ///   - values: row-major rows.
  ///   - indices: which of them.
  public func run(_ values: [Float], rows indices: ArraySlice<Int>) -> View {
    let plan = plan(rows: indices.count)
    plan.inputs[0].assign(rows: indices, of: values)
    plan.run()
    return plan.output
  }
}
