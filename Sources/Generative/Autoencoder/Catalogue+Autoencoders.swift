extension Catalogue {
  static let autoencoders: [Entry] = [
    .immediate(
      Autoencoder.self, family: "autoencoders",
      "Vincent et al. 2008, Extracting and composing robust features with denoising autoencoders",
      fit: { (records, options, surroundings) throws(FitError) in
        try Autoencoder.fit(
          records.matrix, settings: AutoencoderSettings(), seed: options.seed,
          shouldStop: surroundings.shouldStop)
      })
  ]
}
