import Generative

/// A detector's name as in configs, alerts and score files: `autoencoder`, `rbm`, that of a companion such as `robust-z`, or
/// that of any other member of the suite.
public struct DetectorName: Sendable, Hashable, RawRepresentable, Codable {
  public let rawValue: String

  /// nil when there is no such companion and the suite has no such member. A member with a likelihood may be followed by how that is
  /// judged: `realnvp-typicality`, `realnvp-likelihood-ratio`.
  public init?(rawValue: String) {
    guard
      rawValue == Self.rbm.rawValue || CompanionKind(rawValue: rawValue) != nil
        || Catalogue.entry(named: rawValue) != nil || Self.judged(rawValue) != nil
    else { return nil }
    self.init(unchecked: rawValue == GaussianBernoulliRBM.catalogueName ? "rbm" : rawValue)
  }

  private init(unchecked name: String) { rawValue = name }

  public static let autoencoder = DetectorName(unchecked: "autoencoder")
  /// The suite's `gaussian-rbm`.
  public static let rbm = DetectorName(unchecked: "rbm")

  /// The cheap classical detectors that stand beside the models.
  public static let companions = CompanionKind.allCases.map { DetectorName(unchecked: $0.rawValue) }

  /// Those of them that are on when nothing is said.
  public static let usualCompanions = CompanionKind.allCases.filter(\.isUsual)
    .map { DetectorName(unchecked: $0.rawValue) }

  /// Whether it is one of ``companions``.
  public var isCompanion: Bool { companion != nil }
  var companion: CompanionKind? { CompanionKind(rawValue: rawValue) }

  /// Whether it is a member of the suite that foretells sequences: as a detector it foretells each row from the rows before it,
  /// and what is strange to it is its error.
  public var foretells: Bool {
    companion == nil && Catalogue.entry(named: rawValue)?.capabilities.contains(.forecast) == true
  }

  /// The member of the suite whose likelihood is judged in another way, and the way; nil for every other name.
  var judged: (member: Catalogue.Entry, by: LikelihoodJudgement)? { Self.judged(rawValue) }

  private static func judged(_ name: String) -> (member: Catalogue.Entry, by: LikelihoodJudgement)? {
    for judgement in LikelihoodJudgement.allCases where name.hasSuffix("-" + judgement.rawValue) {
      let entry = Catalogue.entry(named: String(name.dropLast(judgement.rawValue.count + 1)))
      guard let entry, entry.capabilities.contains(.likelihood), !entry.capabilities.contains(.forecast)
      else { return nil }
      return (entry, judgement)
    }
    return nil
  }

  /// Whether it sees windows of levels in place of inputs.
  var readsWindows: Bool { companion?.readsWindows ?? foretells }

  /// How much a detector counts in the mean of −ln p, before what is learned of it on a stream (``LearnedWeights``).
  ///
  /// All count alike, but of a single metric in order of time all detectors see the same number in slightly different ways;
  /// there the plain level, over all and for the time of day, counts three times.
  func weight(ordered: Bool, fields: Int) -> Float {
    ordered && fields == 1 && (companion == .robustZ || companion == .season) ? 3 : 1
  }

  /// Detectors of one stream at most.
  public static let most = 20
  /// Of these, members of the suite besides autoencoder and rbm.
  public static let mostModels = 5

  /// The two that are always there, the companions, then the rest of the suite.
  public static var all: [DetectorName] {
    var names = [autoencoder, rbm] + companions
    for entry in Catalogue.all {
      if let name = DetectorName(rawValue: entry.name), !names.contains(name) { names.append(name) }
    }
    return names
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let name = DetectorName(rawValue: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "there is no detector \(text)")
    }
    self = name
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
