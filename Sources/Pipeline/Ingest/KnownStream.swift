public import Events

/// A stream of an earlier life of the daemon, in the order in which the shards know them.
public struct KnownStream: Sendable, Equatable {
  public var key: StreamKey
  /// Its fields in the order of their slots; when they are given, ingest announces them again in this order before the
  /// first event, and publishers that send values without names need not send the names again.
  public var fields: [String]

  public init(key: StreamKey, fields: [String] = []) {
    self.key = key
    self.fields = fields
  }
}
