extension Catalogue {
  static let autoencoders: [Entry] = [
    Entry(
      name: Autoencoder.catalogueName, family: "autoencoders", capabilities: .of(Autoencoder.self),
      reference:
        "Hinton & Salakhutdinov 2006, Reducing the dimensionality of data with neural networks; Vincent et al. 2008",
      settings: AutoencoderSettings().descriptions,
      begin: { (records, options) throws(FitError) in try AutoencoderFit(records, options) },
      decode: { try Autoencoder(decoding: $0) }),
    .network(
      DenoisingAutoencoder.self, family: "autoencoders",
      "Vincent et al. 2008, Extracting and composing robust features with denoising autoencoders"),
    .network(
      SparseAutoencoder.self, family: "autoencoders", "Ng 2011, Sparse autoencoder (CS294A lecture notes)"),
    .network(
      ContractiveAutoencoder.self, family: "autoencoders",
      "Rifai et al. 2011, Contractive auto-encoders: explicit invariance during feature extraction"),
    .network(
      ConvolutionalAutoencoder.self, family: "autoencoders",
      "Masci et al. 2011, Stacked convolutional auto-encoders for hierarchical feature extraction"),
    .network(
      RecurrentAutoencoder.self, family: "autoencoders",
      "Srivastava et al. 2015, Unsupervised learning of video representations using LSTMs"),
  ]
}
