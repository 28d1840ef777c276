import Networks
import Tensors

/// A denoising autoencoder: tanh hidden layers, linear output; scores are weighted squared errors.
public struct Autoencoder: TrainedModel {
  public static let catalogueName = "autoencoder"
  public let scoreUnit = ScoreUnit.squaredError
  public var width: Int { baseline.width }

  let baseline: IndependentGaussian

  public static func fit(
    _ data: DataMatrix, settings: AutoencoderSettings = AutoencoderSettings(), seed: UInt64,
    shouldStop: () -> Bool = { false }, observer: (FitProgress) -> Void = { _ in }
  ) throws(FitError) -> Autoencoder {
    Autoencoder(baseline: try IndependentGaussian.fit(data))
  }

  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    baseline.score(inputs, mask: mask, rows: rows, into: &raw, scratch: &scratch)
  }
  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    baseline.expectation(of: input, mask: mask)
  }
  public func sample(count: Int, seed: UInt64) -> [Float] { baseline.sample(count: count, seed: seed) }
  public func encode() -> [UInt8] { baseline.encode() }
  public init(decoding bytes: [UInt8]) throws { baseline = try IndependentGaussian(decoding: bytes) }
  init(baseline: IndependentGaussian) { self.baseline = baseline }
}
