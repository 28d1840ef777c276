/// The words of the house: what arrives, what was thought of it, and what is said about it.
///
/// Everything here is a value without behaviour; no module below or beside needs to be known to use it.

/// The name of one stream of observations ("host-17", "burner").
public struct StreamKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let name: String
  public init(_ name: String) { self.name = name }
  public var description: String { name }
  public static func < (a: StreamKey, b: StreamKey) -> Bool { a.name < b.name }
}

/// Where a stream stands on its way from unknown to scored. No alert is possible before ``scoring``.
public enum Phase: String, Sendable, Codable, CaseIterable {
  /// Rows are gathered; nothing is known yet.
  case collecting
  /// A first model is being fitted; rows are still gathered.
  case training
  /// A model scores, and its scores on unseen rows are gathered to turn them into p-values.
  case calibrating
  /// Scores carry p-values; alerts are possible.
  case scoring
}
