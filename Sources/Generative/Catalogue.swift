/// The one list of the suite: what there is, what it can do, how it is fitted and read back.
public enum Catalogue {
  /// What a member can do beyond scoring and sampling.
  public struct Capabilities: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// Scores are exact (or exact up to a constant of the model) log densities.
    public static let likelihood = Capabilities(rawValue: 1)
    /// Rows have codes, and codes decode to rows.
    public static let encode = Capabilities(rawValue: 2)
    /// A row can be rebuilt through the model.
    public static let reconstruct = Capabilities(rawValue: 4)
    /// Missing entries are filled in from the rest.
    public static let inpaint = Capabilities(rawValue: 8)
  }

  public struct Entry: Sendable {
    /// The name by which programs know it, for instance `gaussian-rbm`.
    public let name: String
    public let family: String
    public let capabilities: Capabilities
    /// The paper that it follows.
    public let reference: String
    /// Learns from rows with the automatic settings; the same rows and seed give the same bits.
    public let fit:
      @Sendable (_ data: DataMatrix, _ seed: UInt64, _ shouldStop: () -> Bool) throws(FitError)
        -> any TrainedModel
    /// Reads what `encode()` of this member wrote; throws a `WeightsError` on anything else.
    public let decode: @Sendable (_ bytes: [UInt8]) throws -> any TrainedModel
  }

  public static let all: [Entry] = [independent, autoencoder, gaussianRBM]

  /// The member of this name, or nil.
  public static func entry(named name: String) -> Entry? { all.first { $0.name == name } }

  static let independent = Entry(
    name: IndependentGaussian.catalogueName, family: "baseline", capabilities: [.likelihood],
    reference: "independent normal inputs; the baseline that every other member has to beat",
    fit: { (data, _, _) throws(FitError) in try IndependentGaussian.fit(data) },
    decode: { try IndependentGaussian(decoding: $0) })

  static let autoencoder = Entry(
    name: Autoencoder.catalogueName, family: "autoencoders", capabilities: [.encode, .reconstruct, .inpaint],
    reference: "Vincent et al. 2008, Extracting and composing robust features with denoising autoencoders",
    fit: { (data, seed, stop) throws(FitError) in
      try Autoencoder.fit(data, settings: AutoencoderSettings(), seed: seed, shouldStop: stop)
    },
    decode: { try Autoencoder(decoding: $0) })

  static let gaussianRBM = Entry(
    name: GaussianBernoulliRBM.catalogueName, family: "Boltzmann machines",
    capabilities: [.likelihood, .encode, .reconstruct, .inpaint],
    reference: "Hinton 2010, A practical guide to training restricted Boltzmann machines; Cho et al. 2011",
    fit: { (data, seed, stop) throws(FitError) in
      try GaussianBernoulliRBM.fit(data, settings: RBMSettings(), seed: seed, shouldStop: stop)
    },
    decode: { try GaussianBernoulliRBM(decoding: $0) })
}
