public import Messaging
public import Wire

/// One place where messages come from: a socket with its endpoints, and what its messages mean.
public struct SourceSettings: Sendable, Equatable {
  /// From what kind of socket the messages come.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// From publishers (PUB): what they send while we are away is lost.
    case sub
    /// From senders (PUSH): they wait for us.
    case pull
  }
  /// Which side waits at the endpoint for the other.
  public enum Attachment: String, Sendable, Codable, CaseIterable { case connect, bind }

  /// Unique; the identity of the source across reloads, and its label in counters.
  public var name: String
  public var kind: Kind = .sub
  public var attachment: Attachment = .connect
  /// `tcp://host:port`, `ipc://path`; at least one.
  public var endpoints: [String]
  /// Prefixes of the first frame that are wanted; of ``Kind/sub`` only.
  public var topics: [String] = [""]
  public var rules = SourceRules()
  /// Messages that may wait per peer.
  public var receiveHighWater = 10_000
  /// Bytes of a message; a longer one is refused and counted.
  public var maxMessageSize = 4 << 20
  /// A peer that sends a message longer than this is disconnected before its bytes are taken in.
  public var disconnectSize = 128 << 20
  public var overflow = Overflow.dropOldest
  public var security = SocketSecurity.none

  public init(name: String, endpoints: [String]) {
    self.name = name
    self.endpoints = endpoints
  }
}

/// What the ingest thread does.
public struct IngestSettings: Sendable, Equatable {
  public var sources: [SourceSettings]
  /// A batch goes to its shard when it has this many events, …
  public var flushEvents = 256
  /// … or when its first event has waited this long, in milliseconds.
  public var flushInterval = 2
  /// Where refused messages are published again (PUB, bound), under the topic `dead-letter/<source>/<reason>`.
  public var deadLetterEndpoint: String?
  public var deadLetterSecurity = SocketSecurity.none
  /// Seconds since 1970; an event before it is refused (the default is the start of the year 2000).
  public var earliestTimestamp = 946_684_800.0
  /// An event may be this far ahead of its arrival, in seconds.
  public var latestAhead = 86_400.0

  public init(sources: [SourceSettings]) { self.sources = sources }

  /// What is wrong, one line each with where it is; empty when all is well.
  public func problems() -> [(path: String, what: String)] {
    var found: [(path: String, what: String)] = []
    var names: Set<String> = []
    for (index, source) in sources.enumerated() {
      let path = "sources[\(index)]"
      if source.name.isEmpty { found.append(("\(path).name", "is empty")) }
      if !names.insert(source.name).inserted {
        found.append(("\(path).name", "\"\(source.name)\" comes twice: names tell sources apart"))
      }
      if source.endpoints.isEmpty {
        found.append(("\(path).endpoints", "has none: give one like tcp://host:5555"))
      }
      for endpoint in source.endpoints where !endpoint.contains("://") {
        found.append(
          ("\(path).endpoints", "\"\(endpoint)\" is not of the form tcp://host:port or ipc://path"))
      }
      if source.kind == .sub && source.topics.isEmpty {
        found.append(("\(path).topics", "is empty, so nothing would come: \"\" wants all"))
      }
      for (key, value, range) in [
        ("receive_high_water", source.receiveHighWater, 1...10_000_000),
        ("max_message_size", source.maxMessageSize, 64...(1 << 30)),
        (
          "disconnect_size", source.disconnectSize,
          source.maxMessageSize...max(1 << 31, source.maxMessageSize)
        ),
      ] where !range.contains(value) {
        found.append(
          ("\(path).\(key)", "\(value) is not between \(range.lowerBound) and \(range.upperBound)"))
      }
      for problem in source.rules.problems() { found.append(("\(path).\(problem.key)", problem.what)) }
    }
    if !(1...65_536).contains(flushEvents) {
      found.append(("flush_events", "\(flushEvents) is not between 1 and 65536"))
    }
    if !(1...10_000).contains(flushInterval) {
      found.append(("flush_interval", "\(flushInterval) ms is not between 1 and 10000"))
    }
    if !(latestAhead >= 0) { found.append(("latest_ahead", "\(latestAhead) s is negative")) }
    return found
  }
}
