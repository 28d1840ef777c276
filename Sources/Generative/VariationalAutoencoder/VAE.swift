import Gradients
import Networks

/// What can be chosen about a ``VAE``.
typealias VAESettings = JoinedSettings<VAEBound, LatentSettings>

/// What can be chosen about the bound that a ``VAE`` is trained on.
struct VAEBound: ModelSettings {
  /// Whether encoder and decoder have no hidden layers: with Gaussian rows this is probabilistic PCA.
  var linear = false
  /// Draws of the code per row in training; more than one trains on the importance-weighted bound.
  var samples = 1

  func check() throws(FitError) {
    guard (1...1000).contains(samples) else { throw .setting("samples is \(samples), not 1 to 1000") }
  }
}

/// A variational autoencoder (Kingma & Welling 2014); with several draws per row an importance-weighted one (Burda et al. 2016).
struct VAE: VariationalDesign {
  typealias Own = VAEBound
  static let name = "vae"

  let network: VariationalNetwork
  private let samples: Int

  init(_ settings: VAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(
      form: form, hidden: settings.linear ? [] : settings.shared.layers(form), code: settings.code, in: &scope
    )
    samples = settings.samples
  }

  func loss(_ rows: Rows) -> Variable {
    -network.bound(rows.x, nil, samples: samples, mask: rows.mask).mean()
  }
}

/// What can be chosen about a ``BetaVAE``.
typealias BetaVAESettings = JoinedSettings<BetaVAEWeight, LatentSettings>

/// What a ``BetaVAE`` weighs.
struct BetaVAEWeight: ModelSettings {
  /// What the divergence from the prior weighs in training.
  var beta: Float = 4

  func check() throws(FitError) { try SettingCheck.weight("beta", beta) }
}

/// A β-VAE: trained on `E log p(x | z) - β KL(q(z | x) ‖ p(z))`, so that few latent units carry what is worth it (Higgins et al. 2017,
/// equation 4). Its scores and likelihoods are those of the plain bound.
struct BetaVAE: VariationalDesign {
  typealias Own = BetaVAEWeight
  static let name = "beta-vae"

  let network: VariationalNetwork
  private let beta: Float

  init(_ settings: BetaVAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(
      form: form, hidden: settings.shared.layers(form), code: settings.code, in: &scope)
    beta = settings.beta
  }

  func loss(_ rows: Rows) -> Variable {
    let (logProbability, divergence) = network.evidence(rows.x, nil, mask: rows.mask)
    return (divergence * beta - logProbability).mean()
  }
}
