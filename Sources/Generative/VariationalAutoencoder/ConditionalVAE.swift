import Gradients
import Networks
import Tensors

/// What can be chosen about a ``ConditionalVAE``.
typealias ConditionalVAESettings = JoinedSettings<ConditionalVAELabels, LatentSettings>

/// How a ``ConditionalVAE`` is told classes.
struct ConditionalVAELabels: ModelSettings {
  /// The share of rows whose class is kept from the network in training, so that it knows rows without one too.
  var unlabelled: Float = 0.1

  func check() throws(FitError) { try SettingCheck.share("unlabelled", unlabelled) }
}

/// A conditional variational autoencoder: encoder and decoder are told the class of a row (Sohn et al. 2015). Fitted to rows
/// without labels it is a plain one.
struct ConditionalVAE: VariationalDesign, ConditionalDesign {
  typealias Own = ConditionalVAELabels
  static let name = "conditional-vae"

  let network: VariationalNetwork
  private let unlabelled: Float

  init(_ settings: ConditionalVAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    network = VariationalNetwork(
      form: form, hidden: settings.shared.layers(form), code: settings.code, classes: form.classes, in: &scope
    )
    unlabelled = settings.unlabelled
  }

  func loss(_ rows: Rows) -> Variable {
    var condition = condition(rows)
    if rows.isTraining, unlabelled > 0, let known = condition {
      let share = rows.tape.input(Tensor(repeating: 1 - unlabelled, shape: [rows.count, 1]))
      condition = known * bernoulli(share)
    }
    return -network.bound(rows.x, condition, samples: 1, mask: rows.mask).mean()
  }
}
