import FoundationEssentials
public import Networks

/// A choice of how a member is fitted. The same rows and options give the same bits.
public struct FitOptions: Sendable {
  public var seed: UInt64
  /// The member's own settings and those of its training by name, as they were typed.
  public var settings: [String: String]
  /// Passes over the rows; nil for what the member thinks best.
  public var epochs: Int?
  /// Threads; they change the time, not the result.
  public var threads = 1

  public init(seed: UInt64 = 1, settings: [String: String] = [:], epochs: Int? = nil) {
    self.seed = seed
    self.settings = settings
    self.epochs = epochs
  }
}

/// What stands around a run: the clock, who is told and who may end it.
public struct FitSurroundings {
  /// Seconds of a clock that does not jump.
  public var now: () -> Double = { 0 }
  /// Seconds from the begin of this run; nil for none.
  public var timeLimit: Double?
  public var observer: (TrainingProgress) -> Void = { _ in }
  public var shouldStop: () -> Bool = { false }
  /// Given the whole state every so many seconds of `now`, to be kept somewhere.
  public var checkpoint: ([UInt8]) -> Void = { _ in }
  public var checkpointInterval = 60.0

  public init() {}
}

/// A fit that is under way: it can be run for a while, written down, read back in another process and gone on with, and every bit
/// is as if it had never been interrupted.
public protocol Fit: AnyObject {
  /// Goes on to an end: all epochs, no more gain, the time limit, or because somebody asked.
  ///
  /// - Throws: ``FitError/diverged(step:)``; what ``model()`` gives is then the last good one.
  func run(_ surroundings: FitSurroundings) throws(FitError) -> TrainingEnd

  /// All that this fit is, so far.
  func encode() -> [UInt8]

  /// Goes on from what ``encode()`` of a fit on the same rows and options gave.
  func restore(_ bytes: [UInt8]) throws(WeightsError)

  /// The best model so far.
  ///
  /// - Throws: ``FitError/stopped`` when there is none yet.
  func model() throws(FitError) -> any TrainedModel
}

/// A fit that is done in one go: short ones, and models with a closed form.
final class ImmediateFit: Fit {
  private let compute: (FitSurroundings) throws(FitError) -> any TrainedModel
  private var result: (any TrainedModel)?

  init(_ compute: @escaping (FitSurroundings) throws(FitError) -> any TrainedModel) { self.compute = compute }

  func run(_ surroundings: FitSurroundings) throws(FitError) -> TrainingEnd {
    result = try compute(surroundings)
    return .finished
  }
  func encode() -> [UInt8] { [] }
  func restore(_ bytes: [UInt8]) throws(WeightsError) {}
  func model() throws(FitError) -> any TrainedModel {
    if let result { return result }
    throw .stopped
  }
}

/// A point of a training curve.
public struct CurvePoint: Sendable, Equatable, Codable {
  public var step: Int
  /// The mean loss per step since the point before.
  public var loss: Float
  public var heldOutLoss: Float?

  public init(step: Int, loss: Float, heldOutLoss: Float?) {
    self.step = step
    self.loss = loss
    self.heldOutLoss = heldOutLoss
  }
}

/// A fitted member that remembers how its training went.
public protocol TrainingCurveKeeping: TrainedModel {
  var curve: [CurvePoint] { get }
}

extension CurvePoint {
  static func text(_ curve: [CurvePoint]) -> String {
    let encoder = JSONEncoder()
    // The same curve is always the same text.
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: (try? encoder.encode(curve)) ?? Data(), as: UTF8.self)
  }

  static func points(_ text: String) throws(WeightsError) -> [CurvePoint] {
    do {
      return try JSONDecoder().decode([CurvePoint].self, from: Data(text.utf8))
    } catch {
      throw .malformed("the training curve is not what it should be")
    }
  }
}
