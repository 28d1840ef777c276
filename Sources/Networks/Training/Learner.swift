public import Gradients
public import Tensors

/// What a ``TrainingLoop`` trains: knows how to get from rows to a loss and its gradient.
public protocol Learner {
  /// The parameters that are trained, and their gradient.
  var buffer: ParameterBuffer { get }

  /// Computes the loss of some rows and leaves its gradient in the buffer. Random numbers must come from streams of
  /// `step` only.
  ///
  /// - Parameters:
  ///   - step: steps taken before.
  ///   - phase: the optimizer that is to move on this gradient.
  mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float

  /// Called when an optimizer has moved the parameters at this rate: puts those back that may not lie everywhere, and
  /// shrinks what is to be shrunk. Does nothing unless a learner says otherwise.
  mutating func moved(rate: Float)

  /// The loss of rows that are not learned from; nil where there are none.
  mutating func heldOutLoss() -> Float?
}

extension Learner {
  public mutating func moved(rate: Float) {}
}

/// Some rows on a tape, as a model's loss sees them.
public struct Batch {
  public let tape: Tape
  /// One per tensor of the data: its rows of this batch.
  public let inputs: [Variable]
  /// Whether dropout drops and running statistics run.
  public let isTraining: Bool
  /// Which optimizer's loss is asked for.
  public let phase: Int

  public subscript(input: Int) -> Variable { inputs[input] }
}

/// Learns a model that is given as a loss on a tape: records it once per size of batch and runs that again.
public struct TapeLearner: Learner {
  public let buffer: ParameterBuffer
  private let data: [Tensor]
  private let heldOutRows: [Int]
  private let batch: Int
  private let seed: UInt64
  private let workers: Workers
  private let pool = StoragePool()
  private let loss: (Batch) -> Variable
  private var recorded: [Key: Recording] = [:]

  private struct Key: Hashable {
    let rows: Int
    let phase: Int
    let isTraining: Bool
  }
  private final class Recording {
    let tape: Tape
    let inputs: [Variable]
    var loss: Variable?
    init(tape: Tape, inputs: [Variable]) {
      self.tape = tape
      self.inputs = inputs
    }
  }

  /// - Parameters:
  ///   - data: what the loss needs of each row, `[rows, …]` each.
  ///   - heldOutRows: the rows that are never learned from.
  ///   - batch: rows per evaluation of held-out rows.
  ///   - seed: of the random operations in the loss.
  ///   - loss: records one number; must do the same for every batch of the same size and phase.
  public init(
    _ parameters: Parameters, data: [Tensor], heldOutRows: [Int] = [], batch: Int = 256, seed: UInt64,
    workers: Workers = Workers(), loss: @escaping (Batch) -> Variable
  ) {
    precondition(
      Set(data.map { $0.shape.first ?? 0 }).count == 1, "data of \(data.map { $0.shape.first ?? 0 }) rows")
    buffer = ParameterBuffer(parameters)
    self.data = data
    self.heldOutRows = heldOutRows
    self.batch = batch
    self.seed = seed
    self.workers = workers
    self.loss = loss
  }

  public mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    run(rows, step: step, phase: phase, isTraining: true)
  }

  /// The mean of the loss over held-out rows.
  public mutating func heldOutLoss() -> Float? {
    guard !heldOutRows.isEmpty else { return nil }
    var total = 0.0
    for start in stride(from: 0, to: heldOutRows.count, by: batch) {
      let part = heldOutRows[start..<min(start + batch, heldOutRows.count)]
      total += Double(run(part, step: start, phase: 0, isTraining: false)) * Double(part.count)
    }
    return Float(total / Double(heldOutRows.count))
  }

  private mutating func run(_ rows: ArraySlice<Int>, step: Int, phase: Int, isTraining: Bool) -> Float {
    let key = Key(rows: rows.count, phase: phase, isTraining: isTraining)
    if let recording = recorded[key], let loss = recording.loss {
      load(rows, recording)
      recording.tape.rerun(step: UInt64(step))
      return loss.scalar
    }
    let tape = Tape(buffer, seed: seed, workers: workers, pool: pool)
    tape.step = UInt64(step)
    let inputs = data.map { tape.input($0.shape.replacing(0, with: rows.count)) }
    let recording = Recording(tape: tape, inputs: inputs)
    recorded[key] = recording
    load(rows, recording)
    let loss = self.loss(Batch(tape: tape, inputs: inputs, isTraining: isTraining, phase: phase))
    if isTraining { tape.backward(loss) }
    recording.loss = loss
    return loss.scalar
  }

  private func load(_ rows: ArraySlice<Int>, _ recording: Recording) {
    for (input, tensor) in zip(recording.inputs, data) {
      recording.tape.assign(input, rows: rows, of: tensor.values)
    }
  }
}
