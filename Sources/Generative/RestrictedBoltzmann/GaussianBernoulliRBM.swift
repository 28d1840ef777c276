import Networks
import Tensors

/// Real-valued visible units, binary hidden ones; scores are free energies in nats.
public struct GaussianBernoulliRBM: TrainedModel {
  public static let catalogueName = "gaussian-rbm"
  public let scoreUnit = ScoreUnit.nats
  public var width: Int { baseline.width }

  let baseline: IndependentGaussian

  public static func fit(
    _ data: DataMatrix, settings: RBMSettings = RBMSettings(), seed: UInt64,
    shouldStop: () -> Bool = { false }, observer: (FitProgress) -> Void = { _ in }
  ) throws(FitError) -> GaussianBernoulliRBM {
    GaussianBernoulliRBM(baseline: try IndependentGaussian.fit(data))
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
