public import Gradients
public import Tensors

/// Any trained network compiled for use: recorded once per number of rows, forward only, and from then on run in the same
/// memory without allocation. Belongs to one thread; several plans may share one buffer of weights.
///
/// For dense networks on the event path ``InferencePlan`` is leaner: a value whose working space is lent.
public final class NetworkPlan {
  private struct Recording {
    let tape: Tape
    let input: Variable
    let output: Variable
  }

  private let buffer: ParameterBuffer
  private let workers: Workers
  private let pool = StoragePool()
  private let row: Shape
  private let network: (Variable) -> Variable
  private var recordings: [Int: Recording] = [:]

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

  /// Numbers in one row of the input.
  public var inputs: Int { row.size }

  /// The network's output for some rows, where it lies until the next run of as many rows. No allocation once as many rows
  /// have been seen before.
  ///
  /// - Parameters:
  ///   - values: row-major rows.
  ///   - indices: which of them.
  public func run(_ values: [Float], rows indices: ArraySlice<Int>) -> View {
    if let recording = recordings[indices.count] {
      recording.tape.assign(recording.input, rows: indices, of: values)
      recording.tape.rerun()
      return recording.output.view
    }
    let tape = Tape(buffer, workers: workers, pool: pool)
    let input = tape.input(row.inserting(indices.count, at: 0))
    tape.assign(input, rows: indices, of: values)
    let output = network(input).contiguous()
    recordings[indices.count] = Recording(tape: tape, input: input, output: output)
    return output.view
  }
}
