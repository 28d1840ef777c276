import Networks

/// The one list of the suite: what there is, what it can do, how it is fitted and read back.
public enum Catalogue {
  /// What a member can do beyond scoring and sampling.
  public struct Capabilities: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// Rows have a log-likelihood: exact, a bound or an estimate.
    public static let likelihood = Capabilities(rawValue: 1)
    /// Rows have codes, and codes decode to rows.
    public static let encode = Capabilities(rawValue: 2)
    /// A row can be rebuilt through the model.
    public static let reconstruct = Capabilities(rawValue: 4)
    /// Missing entries are filled in from the rest.
    public static let inpaint = Capabilities(rawValue: 8)
    /// Rows of a class can be drawn.
    public static let conditional = Capabilities(rawValue: 16)
    /// Rows map one to one onto latent ones.
    public static let invertible = Capabilities(rawValue: 32)
    /// Each number is foretold from those before it.
    public static let autoregressive = Capabilities(rawValue: 64)
    /// Markov chains can move on its log density.
    public static let density = Capabilities(rawValue: 128)
    /// The steps that follow a sequence are foretold.
    public static let forecast = Capabilities(rawValue: 256)

    /// In words, for a person.
    public var names: [String] {
      let all: [(Capabilities, String)] = [
        (.likelihood, "likelihood"), (.encode, "encode"), (.reconstruct, "reconstruct"),
        (.inpaint, "inpaint"), (.conditional, "conditional"), (.invertible, "invertible"),
        (.autoregressive, "autoregressive"), (.density, "density"), (.forecast, "forecast"),
      ]
      return all.filter { contains($0.0) }.map(\.1)
    }
  }

  /// One member: its name, what it can do, how it is fitted and read.
  public struct Entry: Sendable {
    /// The name by which programs know it, for instance `gaussian-rbm`.
    public let name: String
    public let family: String
    public let capabilities: Capabilities
    /// The paper that it follows.
    public let reference: String
    /// What can be chosen, with the defaults.
    public let settings: [SettingDescription]
    /// The begin of a fit to rows; nothing is trained yet.
    ///
    /// - Throws: ``FitError`` for rows or settings that cannot be.
    public let begin: @Sendable (_ records: Records, _ options: FitOptions) throws(FitError) -> any Fit
    /// Reads what `encode()` of this member wrote; throws a `WeightsError` on anything else.
    public let decode: @Sendable (_ bytes: [UInt8]) throws -> any TrainedModel

    /// Learns from rows with the automatic settings; the same rows and seed give the same bits.
    public func fit(
      _ data: DataMatrix, _ seed: UInt64, _ shouldStop: @escaping () -> Bool = { false }
    ) throws(FitError) -> any TrainedModel {
      try fit(Records(data), FitOptions(seed: seed), shouldStop)
    }

    public func fit(
      _ records: Records, _ options: FitOptions = FitOptions(),
      _ shouldStop: @escaping () -> Bool = { false }
    ) throws(FitError) -> any TrainedModel {
      let fit = try begin(records, options)
      var surroundings = FitSurroundings()
      surroundings.shouldStop = shouldStop
      _ = try fit.run(surroundings)
      return try fit.model()
    }
  }

  /// The suite, family by family; each folder says what it adds.
  public static let all: [Entry] =
    references + autoencoders + variationalAutoencoders + boltzmannMachines + autoregressive + flows
    + sequences

  /// The member of this name, or nil.
  public static func entry(named name: String) -> Entry? { all.first { $0.name == name } }

  /// The member whose file these bytes are.
  ///
  /// - Throws: `WeightsError` when they are damaged, or of no member.
  public static func decode(_ bytes: [UInt8]) throws -> any TrainedModel {
    let name = try Weights(decoding: bytes).text("model")
    guard let entry = entry(named: name) else {
      throw WeightsError.wrongValue("the suite has no model \(name)")
    }
    return try entry.decode(bytes)
  }
}

extension Catalogue.Entry {
  /// The entry of a network.
  static func network<Design: NetworkDesign>(
    _ design: Design.Type, family: String, _ reference: String
  ) -> Catalogue.Entry {
    Catalogue.Entry(
      name: Design.name, family: family, capabilities: .of(NetworkModel<Design>.self), reference: reference,
      settings: Design.Settings().descriptions + Design.training.descriptions,
      begin: { (records, options) throws(FitError) in try NetworkFit<Design>(records, options) },
      decode: { try NetworkModel<Design>(decoding: $0) })
  }

  /// The entry of a model with a closed form, or one whose fit cannot be interrupted.
  static func immediate<Model: TrainedModel>(
    _ model: Model.Type, family: String, _ reference: String,
    fit: @escaping @Sendable (Records, FitOptions, FitSurroundings) throws(FitError) -> Model
  ) -> Catalogue.Entry {
    Catalogue.Entry(
      name: Model.catalogueName, family: family, capabilities: .of(Model.self), reference: reference,
      settings: [],
      begin: { (records, options) throws(FitError) in
        guard let unknown = options.settings.keys.min() else {
          return ImmediateFit { (surroundings) throws(FitError) in
            try fit(records, options, surroundings)
          }
        }
        throw .setting("there is no setting \(unknown): \(Model.catalogueName) has none")
      },
      decode: { try Model(decoding: $0) })
  }
}

extension Catalogue.Capabilities {
  /// What a type conforms to.
  static func of<Model: TrainedModel>(_ model: Model.Type) -> Catalogue.Capabilities {
    var result: Catalogue.Capabilities = []
    if model is any LikelihoodModel.Type { result.insert(.likelihood) }
    if model is any EncodingModel.Type { result.insert(.encode) }
    if model is any ReconstructingModel.Type { result.insert(.reconstruct) }
    if model is any InpaintingModel.Type { result.insert(.inpaint) }
    if model is any ConditionalModel.Type { result.insert(.conditional) }
    if model is any InvertibleModel.Type { result.insert(.invertible) }
    if model is any AutoregressiveModel.Type { result.insert(.autoregressive) }
    if model is any DifferentiableDensity.Type { result.insert(.density) }
    if model is any SequenceModel.Type { result.insert(.forecast) }
    return result
  }
}
