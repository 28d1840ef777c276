extension Catalogue {
  static let variationalAutoencoders: [Entry] = [
    .network(
      VAE.self, family: "variational autoencoders",
      "Kingma & Welling 2014, Auto-encoding variational Bayes; Burda et al. 2016, Importance weighted autoencoders"
    ),
    .network(
      BetaVAE.self, family: "variational autoencoders",
      "Higgins et al. 2017, beta-VAE: learning basic visual concepts with a constrained variational framework"
    ),
    .network(
      ConditionalVAE.self, family: "variational autoencoders",
      "Sohn et al. 2015, Learning structured output representation using deep conditional generative models"),
    .network(
      VQVAE.self, family: "variational autoencoders",
      "van den Oord et al. 2017, Neural discrete representation learning"),
  ]
}
