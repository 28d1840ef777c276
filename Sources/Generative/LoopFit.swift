import Networks

/// A fit whose steps are those of a ``TrainingLoop``: its learner can be looked at, and another one be put in its place.
protocol LoopFit: Fit {
  associatedtype Member: Learner
  /// The catalogue's name of what is fitted.
  static var name: String { get }
  /// What is trained, by whom, how, and how it went so far.
  var training: Training<Member> { get set }
}

extension LoopFit {
  /// What is trained, at its parameters as they are now.
  var learner: Member { training.learner }

  func run(_ surroundings: FitSurroundings) throws(FitError) -> TrainingEnd {
    var learner = training.learner
    defer { training.learner = learner }
    return try run(surroundings, with: &learner)
  }

  /// As ``Fit/run(_:)``, with another learner of the same parameters.
  func run(
    _ surroundings: FitSurroundings, with learner: inout some Learner
  ) throws(FitError) -> TrainingEnd {
    var loop = training.loop
    loop.timeLimit = surroundings.timeLimit
    loop.checkpointInterval = loop.reportInterval
    // Worked on apart, since the observer looks at this fit meanwhile.
    var state = training.state
    defer { training.state = state }
    var written = surroundings.now()
    do throws(TrainingError) {
      // The curve is part of the state: a point is added before the state is given away.
      return try loop.run(
        &state, &learner, now: surroundings.now,
        observer: { progress in
          training.note(progress)
          surroundings.observer(progress)
        }, shouldStop: surroundings.shouldStop,
        checkpoint: { state in
          guard surroundings.now() - written >= surroundings.checkpointInterval else { return }
          written = surroundings.now()
          surroundings.checkpoint(training.encode(state, model: Self.name))
        })
    } catch {
      throw .diverged(step: error.step)
    }
  }

  func encode() -> [UInt8] { training.encode(training.state, model: Self.name) }

  func restore(_ bytes: [UInt8]) throws(WeightsError) { try training.restore(bytes, model: Self.name) }
}
