import Gradients
import Networks
import Tensors

/// What can be chosen about a ``RecurrentAutoencoder``.
struct RecurrentSettings: ModelSettings {
  /// Units of either LSTM; 0 for 16 to 128 by the width of rows.
  var hidden = 0
  /// Numbers in a code; 0 for 32 of a picture, about a quarter of anything else.
  var code = 0

  func check() throws(FitError) {
    try SettingCheck.units("hidden", hidden)
    try SettingCheck.units("code", code)
  }
}

/// A recurrent autoencoder of sequences `[steps, features]`: an LSTM reads the sequence, its last state becomes the code, and a
/// second LSTM that sees nothing but the code gives the sequence back from its end to its begin (Srivastava et al. 2015, section
/// 2.2; Malhotra et al. 2016 use it to find anomalies). A flat row of n columns is n steps of one number.
struct RecurrentAutoencoder: AutoencoderDesign {
  static let name = "recurrent-autoencoder"
  static var training: TrainingSettings {
    var training = TrainingSettings.autoencoders
    training.batch = 50
    training.rate = 5e-3
    training.clip = 5
    return training
  }

  let codeWidth: Int
  let usual: UsualRows
  private let steps: Int
  private let features: Int
  private let reader: LSTM
  private let toCode: Dense
  private let fromCode: Dense
  private let writer: LSTM
  private let output: Dense

  init(_ settings: RecurrentSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    guard form.shape.count <= 2 else {
      throw .unsuitable(
        "rows of the shape \(form.shape) are no sequences: a number of steps and one of features are needed")
    }
    steps = form.shape[0]
    features = form.width / steps
    codeWidth = settings.code > 0 ? settings.code : AutomaticCode.narrow(form)
    let hidden = settings.hidden > 0 ? settings.hidden : max(16, min(128, 2 * form.width))
    reader = LSTM("reader", features, hidden, in: &scope)
    toCode = Dense("toCode", hidden, codeWidth, in: &scope)
    fromCode = Dense("fromCode", codeWidth, hidden, activation: .tanh, in: &scope)
    writer = LSTM("writer", hidden, hidden, in: &scope)
    output = Dense("output", hidden, features, in: &scope)
    usual = UsualRows(width: form.width, codes: codeWidth, range: .all, support: form.support, in: &scope)
  }

  var width: Int { steps * features }

  func encode(_ rows: Rows) -> Variable {
    toCode(reader(rows.x.reshaped([rows.count, steps, features])).last.hidden)
  }

  func decode(_ codes: Variable, labels: Variable?) -> Variable {
    let rows = codes.shape[0]
    let state = fromCode(codes)
    let input = state.inserting(1).expanded(to: [rows, steps, state.shape[1]])
    let backwards = output(writer(input.contiguous()).outputs)
    let y = backwards.taking(Array((0..<steps).reversed()), axis: 1).contiguous().reshaped([rows, width])
    return usual.isUnit ? sigmoid(y) : y
  }

  func loss(_ rows: Rows) -> Variable { halfSquaredError(rows, reconstruct(rows)).mean() }
}
