import Gradients
import Networks

/// What can be chosen about a ``VAE``.
struct VAESettings: ModelSettings {
  /// Units of the encoder's hidden layers, mirrored in the decoder; empty for what suits the width.
  var hidden: [Int] = []
  /// Latent units; 0 for 40 of wide rows, about a quarter of narrow ones.
  var code = 0
  /// Whether encoder and decoder have no hidden layers: with Gaussian rows this is probabilistic PCA.
  var linear = false
  /// The distribution of rows: `gaussian`, `bernoulli`, or `auto` for what suits them.
  var likelihood = "auto"
  /// Draws of the code per row in training; more than one trains on the importance-weighted bound.
  var samples = 1

  func check() throws(FitError) {
    try latent.check()
    try SettingCheck.word("likelihood", likelihood, of: RowLikelihood.words)
    guard (1...1000).contains(samples) else { throw .setting("samples is \(samples), not 1 to 1000") }
  }

  var latent: LatentSettings { LatentSettings(hidden: hidden, code: code, linear: linear) }
}

/// A variational autoencoder (Kingma & Welling 2014); with several draws per row an importance-weighted one (Burda et al. 2016).
struct VAE: VariationalDesign {
  static let name = "vae"
  static var training: TrainingSettings { .variational }
  static func support(for form: RowForm, _ settings: VAESettings) -> Support {
    RowLikelihood(settings.likelihood, for: form).support
  }

  let network: VariationalNetwork
  private let samples: Int

  init(_ settings: VAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(settings.latent, form: form, in: &scope)
    samples = settings.samples
  }

  func loss(_ rows: Rows) -> Variable { -network.bound(rows.x, nil, samples: samples).mean() }
}

/// What can be chosen about a ``BetaVAE``.
struct BetaVAESettings: ModelSettings {
  /// Units of the encoder's hidden layers, mirrored in the decoder; empty for what suits the width.
  var hidden: [Int] = []
  /// Latent units; 0 for 40 of wide rows, about a quarter of narrow ones.
  var code = 0
  /// The distribution of rows: `gaussian`, `bernoulli`, or `auto` for what suits them.
  var likelihood = "auto"
  /// What the divergence from the prior weighs in training.
  var beta: Float = 4

  func check() throws(FitError) {
    try latent.check()
    try SettingCheck.word("likelihood", likelihood, of: RowLikelihood.words)
    try SettingCheck.weight("beta", beta)
  }

  var latent: LatentSettings { LatentSettings(hidden: hidden, code: code) }
}

/// A β-VAE: trained on `E log p(x | z) - β KL(q(z | x) ‖ p(z))`, so that few latent units carry what is worth it (Higgins et al. 2017,
/// equation 4). Its scores and likelihoods are those of the plain bound.
struct BetaVAE: VariationalDesign {
  static let name = "beta-vae"
  static var training: TrainingSettings { .variational }
  static func support(for form: RowForm, _ settings: BetaVAESettings) -> Support {
    RowLikelihood(settings.likelihood, for: form).support
  }

  let network: VariationalNetwork
  private let beta: Float

  init(_ settings: BetaVAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(settings.latent, form: form, in: &scope)
    beta = settings.beta
  }

  func loss(_ rows: Rows) -> Variable {
    let (logProbability, divergence) = network.evidence(rows.x, nil)
    return (divergence * beta - logProbability).mean()
  }
}
