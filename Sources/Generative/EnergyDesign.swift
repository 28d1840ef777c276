public import Gradients
public import Networks
import Tensors

/// A design whose density is known up to its partition function: chains that follow the model move beside its training, layers may
/// be trained one after another, and at the end the partition function is to be found.
///
/// Everything that chains need between steps is a statistic of the parameters, so that a run goes on after a pause as if there had
/// been none.
public protocol EnergyDesign: LikelihoodDesign {
  /// Parts of the training that follow one another, by their shares of the steps; ``EnergyDesign/companion(_:seed:)`` is told of each
  /// step's.
  var stages: [Float] { get }

  /// Parameters to begin with that suit the prepared rows that are learned from.
  func begin(_ parameters: Parameters, rows: [Float], seed: UInt64) -> Parameters

  /// An optimizer for each stage.
  func optimizers(_ training: TrainingSettings) -> [Optimizer]

  /// The loss of a stage.
  func loss(_ rows: Rows, stage: Int) -> Variable

  /// What is done beside the loss; nil for nothing.
  func companion(_ stages: TrainingStages, seed: UInt64) -> (any TrainingCompanion)?

  /// The trained parameters with what is computed once from them.
  func completed(_ parameters: Parameters, seed: UInt64) -> Parameters

  func likelihoodKind(_ parameters: Parameters) -> LikelihoodKind
}

extension EnergyDesign {
  public var stages: [Float] { [1] }
  public func loss(_ rows: Rows) -> Variable { loss(rows, stage: 0) }
  public static var likelihoodKind: LikelihoodKind { .estimate }
}

/// Works beside the loss on a tape: around each step, on the parameters and statistics that the tape reads.
public protocol TrainingCompanion: AnyObject {
  /// Before the gradient of this step is computed.
  func before(_ buffer: ParameterBuffer, step: Int)
  /// After it, before the optimizer moves.
  func after(_ buffer: ParameterBuffer, step: Int)
}

/// The steps of a training that is done in parts.
public struct TrainingStages: Sendable, Equatable {
  public let steps: Int
  /// The first step of each stage.
  private let begins: [Int]
  public var count: Int { begins.count }

  /// - Parameter shares: of the steps, in any unit.
  public init(shares: [Float], steps: Int) {
    self.steps = max(steps, 1)
    let total = Double(shares.reduce(0, +))
    var before = 0.0
    begins =
      shares.isEmpty
      ? [0]
      : shares.map { share in
        defer { before += Double(share) }
        // A little less, so that rounding does not make a step of it.
        return Int((before / total * Double(max(steps, 1)) - 1e-6).rounded(.up))
      }
  }

  /// The stage of a step, and how far the step is in it, from 0 to below 1.
  public func place(of step: Int) -> (stage: Int, share: Float) {
    let stage = begins.lastIndex { $0 <= step } ?? 0
    let first = begin(of: stage)
    return (stage, Float(step - first) / Float(max(1, begin(of: stage + 1) - first)))
  }

  /// The first step of a stage.
  public func begin(of stage: Int) -> Int { stage < count ? begins[stage] : steps }
}

/// A learner on a tape, perhaps in company.
struct AccompaniedLearner: Learner {
  var base: TapeLearner
  let companion: (any TrainingCompanion)?

  var buffer: ParameterBuffer { base.buffer }

  mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    companion?.before(buffer, step: step)
    let loss = base.gradient(of: rows, step: step, phase: phase)
    companion?.after(buffer, step: step)
    return loss
  }

  mutating func heldOutLoss() -> Float? { base.heldOutLoss() }
}
