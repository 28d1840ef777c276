extension Catalogue {
  static let boltzmannMachines: [Entry] = [
    .immediate(
      GaussianBernoulliRBM.self, family: "Boltzmann machines",
      "Hinton 2010, A practical guide to training restricted Boltzmann machines; Cho et al. 2011",
      fit: { (records, options, surroundings) throws(FitError) in
        try GaussianBernoulliRBM.fit(
          records.matrix, settings: RBMSettings(), seed: options.seed, shouldStop: surroundings.shouldStop)
      }),
    .network(
      BoltzmannMachine.self, family: "Boltzmann machines",
      "Ackley, Hinton & Sejnowski 1985, A learning algorithm for Boltzmann machines"),
    .network(
      RestrictedBoltzmannMachine.self, family: "Boltzmann machines",
      "Hinton 2002, Training products of experts; Tieleman 2008, persistent contrastive divergence"),
    .network(
      DeepBeliefNetwork.self, family: "Boltzmann machines",
      "Hinton, Osindero & Teh 2006, A fast learning algorithm for deep belief nets"),
    .network(
      DeepBoltzmannMachine.self, family: "Boltzmann machines",
      "Salakhutdinov & Hinton 2009, Deep Boltzmann machines"),
  ]
}
