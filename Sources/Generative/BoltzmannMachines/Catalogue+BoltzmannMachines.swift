extension Catalogue {
  static let boltzmannMachines: [Entry] = [
    Entry(
      name: GaussianBernoulliRBM.catalogueName, family: "Boltzmann machines",
      capabilities: .of(GaussianBernoulliRBM.self),
      reference:
        "Hinton 2010, A practical guide to training restricted Boltzmann machines; Cho, Ilin & Raiko 2011",
      settings: GaussianRBMSettings().descriptions + GaussianBernoulliRBMFit.usual.descriptions,
      begin: { (records, options) throws(FitError) in try GaussianBernoulliRBMFit(records, options) },
      decode: { try GaussianBernoulliRBM(decoding: $0) }),
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
