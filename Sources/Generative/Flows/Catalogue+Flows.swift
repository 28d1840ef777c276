extension Catalogue {
  static let flows: [Entry] = [
    .network(
      NICE.self, family: "flow", "Dinh et al. 2014, NICE: non-linear independent components estimation"),
    .network(RealNVP.self, family: "flow", "Dinh et al. 2017, Density estimation using Real NVP"),
    .network(
      Glow.self, family: "flow",
      "Kingma & Dhariwal 2018, Glow: generative flow with invertible 1x1 convolutions"),
    .network(
      MAF.self, family: "flow", "Papamakarios et al. 2017, Masked autoregressive flow for density estimation"),
    .network(
      IAF.self, family: "flow",
      "Kingma et al. 2016, Improving variational inference with inverse autoregressive flow"),
    .network(NeuralSplineCoupling.self, family: "flow", "Durkan et al. 2019, Neural spline flows"),
    .network(NeuralSplineAutoregressive.self, family: "flow", "Durkan et al. 2019, Neural spline flows"),
  ]
}
