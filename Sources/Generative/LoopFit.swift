import Networks

/// A fit whose steps are those of a ``TrainingLoop``: its learner can be looked at, and another one be put in its place.
protocol LoopFit: Fit {
  associatedtype Member: Learner
  /// What is trained, at its parameters as they are now.
  var learner: Member { get }
  /// As ``Fit/run(_:)``, with another learner of the same parameters.
  func run(
    _ surroundings: FitSurroundings, with learner: inout some Learner
  ) throws(FitError) -> TrainingEnd
}
