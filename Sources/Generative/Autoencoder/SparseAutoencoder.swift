import Gradients
import Networks
import Tensors

/// What can be chosen about a ``SparseAutoencoder``.
struct SparseSettings: ModelSettings {
  /// Numbers in a code; 0 for more than the row has, within 16 and 400.
  var code = 0
  /// `kl` of the mean activations from the target, or `l1` of the activations themselves.
  var penalty = "kl"
  /// ρ: how active a unit is to be on average.
  var target: Float = 0.1
  /// β: what the penalty weighs.
  var weight: Float = 0.3

  func check() throws(FitError) {
    try SettingCheck.units("code", code)
    try SettingCheck.word("penalty", penalty, of: ["kl", "l1"])
    guard target > 0, target < 1 else { throw .setting("target is \(target), not between 0 and 1") }
    try SettingCheck.weight("weight", weight)
  }
}

/// A sparse autoencoder: one layer of sigmoid units of which few are active at a time,
/// `½ ‖x - x̂‖² + β Σ_j KL(ρ ‖ ρ̂_j)` with `ρ̂_j` the mean activation of unit `j` over the batch (Ng 2011, section 3).
struct SparseAutoencoder: AutoencoderDesign {
  static let name = "sparse-autoencoder"
  static var training: TrainingSettings {
    var training = TrainingSettings.autoencoders
    training.rate = 4e-3
    return training
  }

  let width: Int
  let usual: UsualRows
  private let encoder: Dense
  private let decoder: Dense
  private let settings: SparseSettings

  init(_ settings: SparseSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    self.settings = settings
    width = form.width
    let codes = settings.code > 0 ? settings.code : AutomaticCode.wide(form)
    // Units begin as active as they are to be: the way there from one half would take most of the training.
    let target = settings.target
    encoder = Dense(
      "encoder", width, codes, activation: .sigmoid, bias: Self.log(target / (1 - target)), in: &scope)
    decoder = Dense(
      "decoder", codes, width, activation: form.support == .real ? .identity : .sigmoid, in: &scope)
    usual = UsualRows(width: width, codes: codes, range: .unit, support: form.support, in: &scope)
  }

  var codeWidth: Int { usual.codeWidth }
  func encode(_ rows: Rows) -> Variable { encoder(rows.x) }
  func decode(_ codes: Variable, labels: Variable?) -> Variable { decoder(codes) }

  func loss(_ rows: Rows) -> Variable {
    let code = encode(rows)
    let error = halfSquaredError(rows, decode(code, labels: nil)).mean()
    return error + penalty(code) * settings.weight
  }

  /// Of codes `[rows, codes]`, one number.
  func penalty(_ code: Variable) -> Variable {
    if settings.penalty == "l1" { return abs(code).sum(-1).mean() }
    let target = settings.target
    // A unit that is always on or always off is infinitely far from the target: stop just before.
    let active = clamp(code.mean(0), from: 1e-5, to: 1 - 1e-5)
    let entropy = target * Self.log(target) + (1 - target) * Self.log(1 - target)
    return (entropy - (target * Gradients.log(active) + (1 - target) * Gradients.log(1 - active))).sum()
  }

  private static func log(_ x: Float) -> Float { VectorMath.log([x])[0] }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] {
    let activation = parameters[usual.activation].values
    let mean = activation.reduce(0, +) / Float(max(activation.count, 1))
    return usual.facts(parameters) + [("mean activation", "\(mean) (target \(settings.target))")]
  }
}
