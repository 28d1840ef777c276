import Generative
import Networks
import Tensors

/// The Boltzmann machines on bits of which there are few enough to know everything, and on pictures of digits.
extension Bars {
  static let boltzmann: [Bar] = [
    Bar(
      "boltzmann-machine-nltcs", "fully visible Boltzmann machine on nltcs, test log-likelihood",
      unit: "nats", .atLeast, must: -6.035, baselines: nltcs, seconds: 10,
      run: { run in
        let options = FitOptions(
          seed: run.seed, settings: ["heldOut": "0", "batch": "65536"], epochs: 3000)
        return [try figure("exact", try fitted("boltzmann-machine", run, options), run)]
      }),
    Bar(
      "rbm-nltcs", "RBM of 50 hidden units, persistent chains, on nltcs, exact test log-likelihood",
      unit: "nats", .atLeast, must: -6.15, stretch: -6.06, baselines: nltcs, seconds: 5, seeds: 5,
      run: { run in
        let options = FitOptions(
          seed: run.seed, settings: ["hidden": "50", "rate": "0.1", "heldOut": "0"], epochs: 100)
        return [try figure("exact", try fitted("rbm", run, options), run)]
      }),
    Bar(
      "ais",
      "annealed importance sampling against enumeration, RBMs of 20 hidden units on nltcs, |error| of log Z",
      unit: "nats", .atMost, must: 0.1, stretch: 0.02, baselines: [], seconds: 30, seeds: 5,
      run: { run in
        let options = FitOptions(
          seed: run.seed, settings: ["hidden": "20", "rate": "0.1", "heldOut": "0"], epochs: 50)
        guard let model = try fitted("rbm", run, options) as? NetworkModel<RestrictedBoltzmannMachine>
        else { return [] }
        let estimate = model.logPartition(
          AnnealedImportanceSampling(chains: 200, temperatures: 10000), seed: run.seed)
        let error = abs(estimate.value - model.logPartition.value)
        return [
          BarFigure("error", error, standardError: estimate.standardError),
          BarFigure("in standard errors", error / estimate.standardError),
        ]
      }),
    Bar(
      "dbn-nltcs", "deep belief network of 14 and 16 units on nltcs, lower bound on the test log-likelihood",
      unit: "nats", .atLeast, must: -6.15, baselines: nltcs, seconds: 10, seeds: 5,
      run: { run in
        let options = FitOptions(
          seed: run.seed, settings: ["hidden": "14,16", "rate": "0.1", "heldOut": "0"], epochs: 100)
        guard let model = try fitted("dbn", run, options) as? NetworkModel<DeepBeliefNetwork>
        else { return [] }
        let test = try run.data.binary("nltcs", .test)
        let exact = LikelihoodReport(.exact, model.exactLogLikelihoods(test), width: model.width)
        return [
          try figure("bound", model, run, samples: 20),
          BarFigure("exact", exact.mean, standardError: exact.standardError),
        ]
      }),
    Bar(
      "dbm-nltcs",
      "deep Boltzmann machine of 20 and 10 units on nltcs, lower bound below the exact log-likelihood by",
      unit: "nats", .atMost, must: 1, baselines: [], seconds: 15, seeds: 5,
      run: { run in
        let options = FitOptions(
          seed: run.seed, settings: ["hidden": "20,10", "rate": "0.1", "heldOut": "0"], epochs: 60)
        guard let model = try fitted("dbm", run, options) as? NetworkModel<DeepBoltzmannMachine>
        else { return [] }
        let test = try run.data.binary("nltcs", .test)
        let exact = LikelihoodReport(.exact, model.exactLogLikelihoods(test), width: model.width)
        let bound = try figure("bound", model, run)
        return [
          BarFigure("gap", exact.mean - bound.value), bound,
          BarFigure("exact", exact.mean, standardError: exact.standardError),
        ]
      }),
    Bar(
      "rbm-mnist",
      "RBM of 500 hidden units on MNIST, stochastically binarised, test log-likelihood by annealed importance sampling",
      unit: "nats", .atLeast, must: -110, stretch: -95, baselines: digits, seconds: 1200,
      run: { run in
        let model = try onDigits("rbm", hidden: "500", run)
        let test = try run.data.mnist(.test).binarised(seed: 2024)
        let partition = (model as? NetworkModel<RestrictedBoltzmannMachine>)?.logPartition
        return [
          try figure("estimate", model, on: test),
          BarFigure("standard error of log Z", partition?.standardError ?? .nan),
        ]
      }),
    Bar(
      "dbm-mnist",
      "deep Boltzmann machine of 500 and 500 units on MNIST, stochastically binarised, lower bound",
      unit: "nats", .atLeast, must: -110, stretch: -95, baselines: digits, seconds: 3600,
      run: { run in
        let model = try onDigits("dbm", hidden: "500,500", run)
        return [try figure("bound", model, on: try run.data.mnist(.test).binarised(seed: 2024))]
      }),
  ]

  private static let nltcs = [
    Bar.Baseline("mixture of 32 Bernoullis", -6.013), Bar.Baseline("Chow-Liu tree", -6.759),
    Bar.Baseline("independent", -9.234),
  ]
  private static let digits = [
    Bar.Baseline("Chow-Liu tree", -134.88), Bar.Baseline("mixture of 100 Bernoullis", -137.44),
    Bar.Baseline("independent", -205.80),
  ]

  /// A member fitted to the training rows of nltcs, or to others.
  private static func fitted(
    _ name: String, _ run: BarRun, _ options: FitOptions, on rows: Records? = nil
  ) throws -> any TrainedModel {
    try run.fitted(name, rows ?? run.data.binary("nltcs", .train), options)
  }

  /// A member of so many hidden units, 60 passes over digits made bits by chance.
  private static func onDigits(_ name: String, hidden: String, _ run: BarRun) throws -> any TrainedModel {
    let settings = [
      "hidden": hidden, "rate": "0.05", "heldOut": "0", "partitionChains": "100", "partitionSteps": "10000",
    ]
    return try run.fitted(
      name, run.data.mnist(.train).asProbabilities(),
      FitOptions(seed: run.seed, settings: settings, epochs: 60))
  }

  /// The mean log-likelihood of the test rows of nltcs, or of others.
  private static func figure(
    _ name: String, _ model: any TrainedModel, _ run: BarRun, samples: Int = 1
  ) throws -> BarFigure {
    try figure(name, model, on: run.data.binary("nltcs", .test), samples: samples)
  }

  private static func figure(
    _ name: String, _ model: any TrainedModel, on test: Records, samples: Int = 1
  ) throws -> BarFigure {
    guard let model = model as? any LikelihoodModel else {
      throw FitError.unsuitable("\(type(of: model).catalogueName) has no likelihood")
    }
    let report = LikelihoodReport(model, test, samples: samples)
    return BarFigure(name, report.mean, standardError: report.standardError)
  }
}
