import Messaging

/// The socket of one source with the monitor of its connections.
struct SourceSocket: ~Copyable {
  let socket: Socket
  let monitor: SocketMonitor
  /// As bound or connected, with port numbers.
  let endpoints: [String]
  private let attachment: SourceSettings.Attachment

  /// Opens it.
  ///
  /// - Parameter number: of the source, never given twice.
  /// - Throws: ``IngestError`` naming the source and the endpoint, with what to do.
  init(_ settings: SourceSettings, number: Int, _ context: MessagingContext) throws(IngestError) {
    do throws(MessagingError) {
      let socket = try Socket(settings.kind == .sub ? .sub : .pull, in: context)
      try socket.set(.linger(0))
      try socket.secure(settings.security, domain: Self.domain(settings.name))
      try socket.set(.receiveHighWater(settings.receiveHighWater))
      try socket.set(.maxMessageSize(Int64(settings.disconnectSize)))
      try socket.set(.reconnect(first: 100, longest: 5000))
      if settings.endpoints.contains(where: { $0.contains("[") }) { try socket.set(.ipv6(true)) }
      if settings.kind == .sub { for topic in settings.topics { try socket.subscribe(topic) } }
      let monitor = try SocketMonitor(of: socket, name: "source-\(number)", in: context)
      var endpoints: [String] = []
      for endpoint in settings.endpoints {
        switch settings.attachment {
        case .bind: endpoints.append(try socket.bind(endpoint))
        case .connect:
          try socket.connect(endpoint)
          endpoints.append(endpoint)
        }
      }
      self.socket = socket
      self.monitor = monitor
      self.endpoints = endpoints
      attachment = settings.attachment
    } catch {
      throw IngestError(.endpoint, "source \(settings.name): \(error)")
    }
  }

  /// Under which the authenticator counts its peers; libzmq takes 255 bytes.
  static func domain(_ name: String) -> String {
    String(decoding: "source \(name)".utf8.prefix(255), as: UTF8.self)
  }

  /// Gives the endpoints back, so that another socket can have them.
  func release() {
    for endpoint in endpoints {
      switch attachment {
      case .bind: try? socket.unbind(endpoint)
      case .connect: try? socket.disconnect(endpoint)
      }
    }
  }
}

/// Where refused messages are published again.
final class DeadLetterSocket {
  /// Bytes of a message; a thousand may wait for a slow subscriber, and longer ones would fill the memory.
  static let longest = 1 << 20

  let endpoint: String
  private let socket: Socket

  init(
    _ endpoint: String, _ security: SocketSecurity, _ context: MessagingContext
  ) throws(IngestError) {
    do throws(MessagingError) {
      let socket = try Socket(.pub, in: context)
      try socket.set(.linger(0))
      try socket.secure(security, domain: "publish.dead_letter")
      try socket.bind(endpoint)
      self.socket = socket
    } catch {
      throw IngestError(.endpoint, "dead_letter: \(error)")
    }
    self.endpoint = endpoint
  }

  /// Passes the message on without copying it; it is empty afterwards.
  func send(_ message: inout Message, topic: String) -> Bool {
    guard message.size <= Self.longest else { return false }
    return (try? socket.forward(&message, topic: topic)) ?? false
  }

  func release() { try? socket.unbind(endpoint) }
}
