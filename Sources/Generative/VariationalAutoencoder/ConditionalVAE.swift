import Gradients
import Networks
import Tensors

/// What can be chosen about a ``ConditionalVAE``.
struct ConditionalVAESettings: ModelSettings {
  /// Units of the encoder's hidden layers, mirrored in the decoder; empty for what suits the width.
  var hidden: [Int] = []
  /// Latent units; 0 for 40 of wide rows, about a quarter of narrow ones.
  var code = 0
  /// The distribution of rows: `gaussian`, `bernoulli`, or `auto` for what suits them.
  var likelihood = "auto"
  /// The share of rows whose class is kept from the network in training, so that it knows rows without one too.
  var unlabelled: Float = 0.1

  func check() throws(FitError) {
    try latent.check()
    try SettingCheck.word("likelihood", likelihood, of: RowLikelihood.words)
    try SettingCheck.share("unlabelled", unlabelled)
  }

  var latent: LatentSettings { LatentSettings(hidden: hidden, code: code) }
}

/// A conditional variational autoencoder: encoder and decoder are told the class of a row (Sohn et al. 2015). Fitted to rows
/// without labels it is a plain one.
struct ConditionalVAE: VariationalDesign, ConditionalDesign {
  static let name = "conditional-vae"
  static var training: TrainingSettings { .variational }
  static func support(for form: RowForm, _ settings: ConditionalVAESettings) -> Support {
    RowLikelihood(settings.likelihood, for: form).support
  }

  let network: VariationalNetwork
  private let unlabelled: Float

  init(_ settings: ConditionalVAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(settings.latent, form: form, classes: form.classes, in: &scope)
    unlabelled = settings.unlabelled
  }

  func loss(_ rows: Rows) -> Variable {
    var condition = condition(rows)
    if rows.isTraining, unlabelled > 0, let known = condition {
      let share = rows.tape.input(Tensor(repeating: 1 - unlabelled, shape: [rows.count, 1]))
      condition = known * bernoulli(share)
    }
    return -network.bound(rows.x, condition, samples: 1).mean()
  }
}
