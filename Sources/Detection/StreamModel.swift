public import Generative

/// The weights of the detectors, without scaling and calibration; may be shared by streams with the same fields.
public struct SharedWeights: Sendable {
  /// Names the pool; streams restored from disk find it again by this name.
  public let name: String
  public let fields: [String]
  public let models: [DetectorName: any TrainedModel]
}

/// What was learned about a stream: which fields, their usual ranges, the detectors' weights, and how to read their
/// scores. A value that is installed whole.
public struct StreamModel: Sendable {
  /// The snapshot's name, as in alerts.
  public let snapshotName: String
  /// Seconds since 1970.
  public let trainedAt: Double
  /// The fields it scores, in its own order.
  public let fields: [String]
  /// The detectors in the order of their raw scores.
  public let detectors: [DetectorName]
  /// Rows it was fitted on.
  public let rows: Int
  /// The pool whose weights it uses, nil when they are its own.
  public let sharedWeightsName: String?

  /// The model as named sections for a snapshot: `model`, and one per detector. With `weights: false` shared weights are
  /// only named, and must be given again to read it back.
  public func encode(weights: Bool = true) -> [(name: String, bytes: [UInt8])] { [] }

  /// - Parameter shared: finds shared weights by name, for a model written without them.
  public init(
    decoding sections: [(name: String, bytes: [UInt8])], shared: (String) -> SharedWeights? = { _ in nil }
  ) throws(DetectionDecodingError) {
    throw .missingSection("model")
  }
}

/// Why bytes are not a model or a state.
public enum DetectionDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingSection(String)
  case truncated(section: String, at: Int)
  case wrongVersion(section: String, found: UInt32)
  case invalid(section: String, what: String)
  case unknownSharedWeights(String)

  public var description: String {
    switch self {
    case .missingSection(let name): "section \(name) is missing"
    case .truncated(let section, let at): "section \(section) ends early, at byte \(at)"
    case .wrongVersion(let section, let found): "section \(section) is of version \(found), not known here"
    case .invalid(let section, let what): "section \(section): \(what)"
    case .unknownSharedWeights(let name): "the shared weights \(name) are not loaded"
    }
  }
}
