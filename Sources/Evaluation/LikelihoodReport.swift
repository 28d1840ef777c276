public import Generative

/// How probable a model finds rows, on average.
public struct LikelihoodReport: Sendable, Equatable {
  public let kind: LikelihoodKind
  /// The mean log-likelihood of a row, nats.
  public let mean: Double
  /// Of the mean, over the rows.
  public let standardError: Double
  public let rows: Int
  /// `-mean / (width · ln 2)`
  public let bitsPerDimension: Double

  public init(_ kind: LikelihoodKind, _ values: [Double], width: Int) {
    precondition(!values.isEmpty, "no rows to report on")
    self.kind = kind
    rows = values.count
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(values.count - 1, 1))
    standardError = (variance / Double(values.count)).squareRoot()
    bitsPerDimension = -mean / (Double(width) * 0.693_147_180_559_945_3)
  }

  /// Of a model on rows.
  ///
  /// - Parameter samples: draws per row where the figure is a bound or an estimate.
  public init(_ model: any LikelihoodModel, _ rows: Records, samples: Int = 1, seed: UInt64 = 1) {
    self.init(
      model.likelihoodKind, model.logLikelihoods(rows, samples: samples, seed: seed), width: model.width)
  }
}
