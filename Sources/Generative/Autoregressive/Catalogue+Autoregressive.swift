extension Catalogue {
  static let autoregressive: [Entry] = [
    .network(
      MADE.self, family: "autoregressive",
      "Germain et al. 2015, MADE: masked autoencoder for distribution estimation"),
    .network(
      PixelCNN.self, family: "autoregressive",
      "van den Oord et al. 2016, Conditional image generation with PixelCNN decoders"),
  ]
}
