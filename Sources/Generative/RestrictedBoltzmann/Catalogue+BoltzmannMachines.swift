extension Catalogue {
  static let boltzmannMachines: [Entry] = [
    .immediate(
      GaussianBernoulliRBM.self, family: "Boltzmann machines",
      "Hinton 2010, A practical guide to training restricted Boltzmann machines; Cho et al. 2011",
      fit: { (records, options, surroundings) throws(FitError) in
        try GaussianBernoulliRBM.fit(
          records.matrix, settings: RBMSettings(), seed: options.seed, shouldStop: surroundings.shouldStop)
      })
  ]
}
