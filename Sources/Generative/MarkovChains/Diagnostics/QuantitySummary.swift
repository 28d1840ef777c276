/// What the draws say of one quantity, and how far that can be trusted.
public struct QuantitySummary: Sendable, Equatable, Codable {
  public var name: String
  public var mean: Double
  public var sd: Double
  /// The 5 %, 50 % and 95 % quantiles.
  public var low: Double
  public var median: Double
  public var high: Double
  public var rHat: Double
  public var bulkESS: Double
  public var tailESS: Double
  public var meanMCSE: Double
  public var sdMCSE: Double
  /// What is known of it.
  public var reference: Density.Moments?

  /// How many Monte Carlo standard errors the mean is from the known one.
  public var meanError: Double? { reference.map { (mean - $0.mean) / meanMCSE } }

  /// - Parameter chains: the draws of the quantity by chain, all of one length.
  public init(_ name: String, _ chains: [[Double]], reference: Density.Moments? = nil) {
    typealias Diagnostics = ConvergenceDiagnostics
    let all = chains.flatMap { $0 }
    let sorted = all.sorted()
    self.name = name
    mean = Diagnostics.mean(all)
    sd = Diagnostics.variance(all).squareRoot()
    low = Diagnostics.quantile(0.05, ofSorted: sorted)
    median = Diagnostics.quantile(0.5, ofSorted: sorted)
    high = Diagnostics.quantile(0.95, ofSorted: sorted)
    rHat = Diagnostics.rHat(chains)
    bulkESS = Diagnostics.bulkESS(chains)
    tailESS = Diagnostics.tailESS(chains)
    meanMCSE = Diagnostics.meanMCSE(chains)
    sdMCSE = Diagnostics.sdMCSE(chains)
    self.reference = reference
  }
}

extension Draws {
  /// A summary of every quantity, beside what is known of it.
  public func summaries(reference: [String: Density.Moments] = [:]) -> [QuantitySummary] {
    names.indices.map { QuantitySummary(names[$0], self[$0], reference: reference[names[$0]]) }
  }
}
