/// How an ``Autoencoder`` is built and trained; nil sizes follow from the width of the data.
public struct AutoencoderSettings: Sendable, Equatable {
  /// Hidden units of the first encoder layer (and of its mirror in the decoder); nil chooses about 2/3 of the width.
  public var hidden: Int?
  /// Length of the code; nil chooses about a quarter of the width.
  public var code: Int?
  /// Passes over the training rows at most.
  public var epochs = 120
  public var batch = 64
  public var learningRate: Float = 4e-3
  /// Probability of hiding an observed input from the encoder during training (denoising).
  public var corruption: Float = 0.1
  /// The part of the rows held out to decide when to stop.
  public var heldOut: Float = 0.15
  /// Passes without improvement on the held-out part before training ends.
  public var patience = 12
  /// The least deviation of an input, in scaled units: what varies less is not magnified further.
  public var deviationFloor: Float = 0.05
  /// The least usual residual of an input, as a part of its deviation.
  public var residualFloor: Float = 0.1

  public init() {}
}
