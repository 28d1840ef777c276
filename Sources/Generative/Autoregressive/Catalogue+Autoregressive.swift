extension Catalogue {
  static let autoregressive: [Entry] = [
    .network(
      MADE.self, family: "autoregressive",
      "Germain et al. 2015, MADE: masked autoencoder for distribution estimation"),
    .network(
      NADE.self, family: "autoregressive",
      "Larochelle & Murray 2011, The neural autoregressive distribution estimator"),
    .network(
      PixelCNN.self, family: "autoregressive",
      "van den Oord et al. 2016, Conditional image generation with PixelCNN decoders"),
    .network(
      PixelRNN<RowLSTM>.self, family: "autoregressive",
      "van den Oord et al. 2016, Pixel recurrent neural networks (Row LSTM)"),
    .network(
      PixelRNN<DiagonalBiLSTM>.self, family: "autoregressive",
      "van den Oord et al. 2016, Pixel recurrent neural networks (Diagonal BiLSTM)"),
  ]
}
