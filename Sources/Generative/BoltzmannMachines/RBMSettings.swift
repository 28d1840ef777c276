/// How a ``GaussianBernoulliRBM`` is built and trained; a nil size follows from the width of the data.
public struct RBMSettings: Sendable, Equatable {
  /// Hidden units; nil chooses about 2/3 of the width.
  public var hidden: Int?
  public var negativePhase = NegativePhase.contrastiveDivergence
  /// Gibbs steps per update.
  public var steps = 1
  /// Passes over the training rows at most.
  public var epochs = 100
  public var batch = 64
  public var learningRate: Float = 1e-2
  public var weightDecay: Float = 1e-4
  /// Learn each visible unit's σ (Cho et al. 2011); otherwise it stays at the input's deviation.
  public var learnsSigma = true
  /// The least σ, as a part of the input's deviation.
  public var sigmaFloor: Float = 0.2
  public var heldOut: Float = 0.15
  /// Passes without improvement on the held-out part before training ends.
  public var patience = 10
  /// The least deviation of an input, in scaled units.
  public var deviationFloor: Float = 0.05

  public init() {}
}
