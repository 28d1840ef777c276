import Gradients
import Networks
import Tensors

/// What can be chosen about a ``ContractiveAutoencoder``.
struct ContractiveSettings: ModelSettings {
  /// Numbers in a code; 0 for more than the row has, within 16 and 400.
  var code = 0
  /// λ: what the penalty weighs.
  var weight: Float = 0.1

  func check() throws(FitError) {
    try SettingCheck.units("code", code)
    try SettingCheck.weight("weight", weight)
  }
}

/// A contractive autoencoder: `½ ‖x - x̂‖² + λ ‖∂h/∂x‖²_F` with `h = σ(x W + b)` and tied weights `x̂ = g(h Wᵀ + c)` (Rifai et al.
/// 2011, equations 5 and 6): codes change only in directions in which rows do.
struct ContractiveAutoencoder: AutoencoderDesign {
  static let name = "contractive-autoencoder"
  static var training: TrainingSettings { .autoencoders }

  let width: Int
  let codeWidth: Int
  let usual: UsualRows
  private let encoder: Dense
  /// c
  private let bias: Slot
  private let weight: Float

  init(_ settings: ContractiveSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    width = form.width
    codeWidth = settings.code > 0 ? settings.code : AutomaticCode.wide(form)
    weight = settings.weight
    encoder = Dense("encoder", width, codeWidth, activation: .sigmoid, in: &scope)
    bias = scope.parameter("bias", [width])
    usual = UsualRows(width: width, codes: codeWidth, range: .unit, support: form.support, in: &scope)
  }

  func encode(_ rows: Rows) -> Variable { encoder(rows.x) }

  func decode(_ codes: Variable, labels: Variable?) -> Variable {
    let y = matmul(codes, codes.tape[encoder.weight], transposedB: true) + codes.tape[bias]
    return usual.isUnit ? sigmoid(y) : y
  }

  func loss(_ rows: Rows) -> Variable {
    let code = encode(rows)
    let error = halfSquaredError(rows, decode(code, labels: nil))
    return (error + contraction(code) * weight).mean()
  }

  /// `‖∂h/∂x‖²_F = Σ_j (h_j (1 - h_j))² Σ_i W_ij²` of each row, `[rows]`: exact, and differentiable itself.
  func contraction(_ code: Variable) -> Variable {
    let slopes = (code * (1 - code)).squared()
    return (slopes * code.tape[encoder.weight].squared().sum(0)).sum(-1)
  }
}
