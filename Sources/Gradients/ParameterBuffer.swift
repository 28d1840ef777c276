public import Tensors

/// Parameters while they are trained: one flat buffer of weights and one of their gradients, read and written in place by
/// the tapes made on it (several may share it) and by the optimizer. Not for two threads at once.
public final class ParameterBuffer {
  /// Names and slots; the numbers in here are those of the beginning.
  private let initial: Parameters
  private let storage: Storage
  private let statisticStorage: Storage
  /// There is none before it is asked for.
  private lazy var gradientStorage = Storage(capacity: count)

  public init(_ parameters: Parameters) {
    initial = parameters
    storage = Storage(capacity: parameters.values.count)
    statisticStorage = Storage(capacity: parameters.statistics.count)
    self.parameters = parameters
  }

  public var entries: [Parameters.Entry] { initial.entries }
  /// How many numbers are trained.
  public var count: Int { initial.values.count }

  /// The parameters as they are now, as a value; setting copies numbers in (the names must be the same).
  public var parameters: Parameters {
    get {
      var copy = initial
      copy.values = weights.values
      copy.statistics = statistics.values
      return copy
    }
    set {
      precondition(newValue.entries == initial.entries, "parameters of other names or shapes")
      weights.assign(newValue.values)
      statistics.assign(newValue.statistics)
    }
  }

  /// All trained numbers, flat: what an optimizer changes in place. Valid while this buffer lives.
  public var weights: View { storage.view([count]) }
  /// The gradient by ``weights`` that ``Tape/backward(_:accumulating:)`` left, flat.
  public var gradient: View { gradientStorage.view([count]) }
  /// The numbers that are kept but not trained, flat.
  public var statistics: View { statisticStorage.view([initial.statistics.count]) }

  /// One parameter where it lies.
  public func view(_ slot: Slot) -> View {
    (slot.isTrained ? storage : statisticStorage).view(Layout(slot.shape, offset: slot.offset))
  }

  /// The gradient by one trained parameter where it lies.
  public func gradient(_ slot: Slot) -> View {
    precondition(slot.isTrained, "the gradient by what is not trained")
    return gradientStorage.view(Layout(slot.shape, offset: slot.offset))
  }
}

/// Trained parameters that nobody changes any more: plans on several threads may read them at once.
public final class FrozenParameters: @unchecked Sendable {
  /// Never written, and its gradient never asked for.
  package let buffer: ParameterBuffer

  public init(_ parameters: Parameters) { buffer = ParameterBuffer(parameters) }
}
