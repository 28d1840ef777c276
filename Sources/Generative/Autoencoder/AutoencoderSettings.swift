import Networks

/// How an ``Autoencoder`` is built and trained; sizes of 0 and empty lists follow from the rows.
public struct AutoencoderSettings: ModelSettings {
  /// Units of the encoder's hidden layers, mirrored in the decoder; empty for one of about 2/3 of the width, or for pictures
  /// 512, 256 and 128.
  public var hidden: [Int] = []
  /// Length of the code; 0 for about a quarter of the width, or for pictures 32.
  public var code = 0
  /// Of hidden layers: `tanh` (the code too), `relu` (the code is linear), `linear` for no hidden layers and a linear code, or
  /// `auto`: `relu` for pictures, `tanh` for all else.
  public var activation = "auto"
  /// Passes over the training rows at most; of more than 8,192 rows, passes over so many.
  public var epochs = 120
  public var batch = 64
  /// The learning rate of Adam; 0 for 0.004, and for pictures 0.002.
  public var rate: Float = 0
  /// Probability of hiding an observed input from the encoder during training (denoising).
  public var corruption: Float = 0.1
  /// The part of the rows held out to decide when to stop.
  public var heldOut: Float = 0.15
  /// Passes without improvement on the held-out part before training ends; 0 for no early end.
  public var patience = 12
  /// The least deviation of an input, in the units of the rows: what varies less is not magnified further.
  public var deviationFloor: Float = 0.05
  /// The least usual residual of an input, as a part of its deviation.
  public var residualFloor: Float = 0.1

  public init() {}

  public func check() throws(FitError) {
    try SettingCheck.layers("hidden", hidden)
    try SettingCheck.units("code", code)
    try SettingCheck.word("activation", activation, of: ["auto", "tanh", "relu", "linear"])
    var training = TrainingSettings()
    training.epochs = epochs
    training.batch = batch
    if rate != 0 { training.rate = rate }
    training.heldOut = heldOut
    training.patience = patience
    try training.check()
    try SettingCheck.share("corruption", corruption)
    for (name, value) in [("deviationFloor", deviationFloor), ("residualFloor", residualFloor)]
    where !(value > 0 && value <= 1e6) {
      throw .setting("\(name) is \(value), not above 0 and at most 1000000")
    }
  }
}

extension AutoencoderSettings {
  /// The activation that is meant for rows of this form.
  func activation(_ form: RowForm) -> Activation {
    switch activation {
    case "relu": .relu
    case "linear": .identity
    case "tanh": .tanh
    default: form.isPicture && form.support != .real ? .relu : .tanh
    }
  }

  func learningRate(_ form: RowForm) -> Float {
    rate != 0 ? rate : activation(form) == .tanh ? 4e-3 : 2e-3
  }

  /// The sizes of the encoder, from row to code.
  func sizes(_ form: RowForm) -> [Int] {
    let codes = code > 0 ? code : AutomaticCode.narrow(form)
    if activation(form) == .identity { return [form.width, codes] }
    let suits =
      form.isPicture && form.support != .real ? [512, 256, 128] : [Autoencoder.automaticHidden(form.width)]
    return [form.width] + (hidden.isEmpty ? suits : hidden) + [codes]
  }
}
