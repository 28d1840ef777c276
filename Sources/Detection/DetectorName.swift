import Generative

/// A detector's name as in configs, alerts and score files: `autoencoder`, `rbm`, or that of any other member of the suite.
public struct DetectorName: Sendable, Hashable, RawRepresentable, Codable {
  public let rawValue: String

  /// nil when the suite has no such member.
  public init?(rawValue: String) {
    guard rawValue == Self.rbm.rawValue || Catalogue.entry(named: rawValue) != nil else { return nil }
    self.init(unchecked: rawValue == GaussianBernoulliRBM.catalogueName ? "rbm" : rawValue)
  }

  private init(unchecked name: String) { rawValue = name }

  public static let autoencoder = DetectorName(unchecked: "autoencoder")
  /// The suite's `gaussian-rbm`.
  public static let rbm = DetectorName(unchecked: "rbm")

  /// Detectors of one stream at most.
  public static let most = 8

  /// The two that are always there, then the rest of the suite.
  public static var all: [DetectorName] {
    var names = [autoencoder, rbm]
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
