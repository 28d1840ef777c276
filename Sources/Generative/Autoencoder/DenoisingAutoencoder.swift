import Gradients
import Networks
import Tensors

/// What can be chosen about a ``DenoisingAutoencoder``.
struct DenoisingSettings: ModelSettings {
  /// Units of hidden layers before the code, mirrored after it.
  var hidden: [Int] = []
  /// Numbers in a code; 0 for more than the row has, within 16 and 400.
  var code = 0
  /// What is done to rows before they are shown: `masking` (put to 0), `gaussian` or `salt` (put to the least or the most).
  var noise = "masking"
  /// The probability with which a number is corrupted; of Gaussian noise the standard deviation.
  var amount: Float = 0.25

  func check() throws(FitError) {
    try SettingCheck.layers("hidden", hidden)
    try SettingCheck.units("code", code)
    try SettingCheck.word("noise", noise, of: ["masking", "gaussian", "salt"])
    try SettingCheck.share("amount", amount)
  }
}

/// A denoising autoencoder: gives rows back of which it was shown a corrupted version (Vincent et al. 2008; the kinds of
/// corruption are those of Vincent et al. 2010, section 3.3). The code may be wider than the row.
struct DenoisingAutoencoder: AutoencoderDesign {
  static let name = "denoising-autoencoder"
  static var training: TrainingSettings { .autoencoders }

  let width: Int
  let usual: UsualRows
  private let coder: Coder
  private let settings: DenoisingSettings

  init(_ settings: DenoisingSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    self.settings = settings
    width = form.width
    let codes = settings.code > 0 ? settings.code : AutomaticCode.wide(form)
    coder = Coder(
      width: width, hidden: settings.hidden, codes: codes, activation: .relu, code: .sigmoid,
      support: form.support, in: &scope)
    usual = UsualRows(width: width, codes: codes, range: .unit, support: form.support, in: &scope)
  }

  var codeWidth: Int { coder.codeWidth }
  func encode(_ rows: Rows) -> Variable { coder.encoder(rows.x) }
  func decode(_ codes: Variable, labels: Variable?) -> Variable { coder.decoder(codes) }

  func loss(_ rows: Rows) -> Variable {
    let seen = rows.isTraining ? Rows(corrupted(rows.x)) : rows
    return halfSquaredError(rows, reconstruct(seen)).mean()
  }

  /// `x̃ ~ q(x̃ | x)`
  func corrupted(_ x: Variable) -> Variable {
    let tape = x.tape
    if settings.noise == "gaussian" { return x + tape.normal(x.shape) * settings.amount }
    let hidden = bernoulli(tape.input(Tensor(repeating: settings.amount, shape: x.shape)))
    let kept = x * (1 - hidden)
    guard settings.noise == "salt" else { return kept }
    // The ends of what rows hold: 0 and 1, or two deviations to either side.
    let coin = bernoulli(tape.input(Tensor(repeating: 0.5, shape: x.shape)))
    return kept + hidden * (usual.isUnit ? coin : coin * 4 - 2)
  }
}

extension TrainingSettings {
  /// How autoencoders are trained unless somebody chooses otherwise.
  static var autoencoders: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 30
    training.batch = 100
    training.rate = 2e-3
    training.cosine = true
    return training
  }
}
