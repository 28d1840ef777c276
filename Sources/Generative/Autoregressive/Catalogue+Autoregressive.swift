extension Catalogue {
  static let autoregressive: [Entry] = [
    .network(
      MADE.self, family: "autoregressive",
      "Germain et al. 2015, MADE: masked autoencoder for distribution estimation")
  ]
}
