public import Gradients
import Tensors

/// A member that foretells how sequences go on.
public protocol SequenceModel: TrainedModel {
  /// A row is so many steps of so many numbers.
  var steps: Int { get }
  var features: Int { get }

  /// The steps that come after each row, in the units of its last step; each rests on those before it.
  ///
  /// - Parameters:
  ///   - rows: `count × steps × features`, nothing missing.
  ///   - horizon: steps ahead, at least 1.
  /// - Returns: `count × horizon × features`
  func foretell(_ rows: [Float], count: Int, horizon: Int) -> [Float]

  /// The event path: `raw[i]` becomes how strange the last step of row `i` is to who foretold it from the steps before it,
  /// `−ln p(x_T | x_1 … x_{T−1})`, nats by number of the step. Nothing is allocated once the space has grown.
  func scoreLastStep(_ rows: [Float], count: Int, into raw: inout [Float], scratch: inout Scratch)
}

/// A design that does.
public protocol SequenceDesign: NetworkDesign {
  var steps: Int { get }
  var features: Int { get }
  /// Of prepared rows.
  func foretell(_ rows: [Float], count: Int, horizon: Int, _ buffer: ParameterBuffer) -> [Float]
  /// `−ln p` of the last step of prepared rows given those before it, by number of the step, `[rows]`.
  func lastStrangeness(_ rows: Rows) -> Variable
}

extension RecurrentSequence: SequenceDesign {}

extension NetworkModel: SequenceModel where Design: SequenceDesign {
  public var steps: Int { design.steps }
  public var features: Int { design.features }

  public func scoreLastStep(
    _ rows: [Float], count: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    score(rows, mask: nil, rows: count, into: &raw, scratch: &scratch, endIdentity) {
      plan(row: [preparation.form.width]) { design.lastStrangeness(Rows($0)) }
    }
  }

  public func foretell(_ rows: [Float], count: Int, horizon: Int) -> [Float] {
    precondition(rows.count == count * width, "\(rows.count) numbers for \(count) rows of \(width)")
    let prepared = preparation(DataMatrix(rows: count, columns: width, values: rows))
    let buffer = ParameterBuffer(parameters)
    var result: [Float] = []
    result.reserveCapacity(count * horizon * features)
    for start in stride(from: 0, to: count, by: Self.microBatch) {
      let part = min(Self.microBatch, count - start)
      result += design.foretell(
        Array(prepared[start * width..<(start + part) * width]), count: part, horizon: horizon, buffer)
    }
    let last = width - features
    for i in result.indices {
      let column = last + i % features
      result[i] = result[i] / preparation.scale[column] + preparation.shift[column]
    }
    return result
  }
}
