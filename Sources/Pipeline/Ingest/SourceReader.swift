import Messaging
import Wire

/// One source: its socket, its decoder, its counters. Lives on the ingest thread.
final class SourceReader {
  /// What a log line may be about, beside refused messages.
  enum Matter: Hashable {
    case refusal(Refusal)
    case streams, fields, disconnection, handshake
  }

  /// Never given twice.
  let number: Int
  private(set) var settings: SourceSettings
  let socket: Socket
  private let monitor: SocketMonitor
  private var decoder: MessageDecoder
  var counters = SourceCounters()
  private(set) var dropStreams: Globs
  /// Names of values that come without.
  private(set) var fields: [(name: String, hash: UInt64)]?
  private(set) var fieldsHash: UInt64 = 0

  private let surroundings: Surroundings
  private var message = Message()
  private var topic: [UInt8] = []
  private var fault: Refusal?
  private var notes: [Matter: (last: UInt64, silent: UInt64)] = [:]

  /// What all sources share.
  struct Surroundings {
    var context: MessagingContext
    var sink: EventSink
    var seed: UInt64
    var earliest: Double
    var latestAhead: Double
    var log: @Sendable (_ reason: String, _ extract: String) -> Void
  }

  /// Opens the socket.
  ///
  /// - Throws: ``IngestError`` naming the source and the endpoint, with what to do.
  init(_ settings: SourceSettings, number: Int, _ surroundings: Surroundings) throws(IngestError) {
    self.number = number
    self.settings = settings
    self.surroundings = surroundings
    decoder = try Self.decoder(settings, surroundings)
    dropStreams = Globs(settings.rules.dropStreams)
    counters.name = settings.name
    counters.format = settings.rules.format
    var endpoints: [String] = []
    do throws(MessagingError) {
      let socket = try Socket(settings.kind == .sub ? .sub : .pull, in: surroundings.context)
      try socket.set(.linger(0))
      try socket.set(.receiveHighWater(settings.receiveHighWater))
      try socket.set(.maxMessageSize(Int64(settings.disconnectSize)))
      try socket.set(.reconnect(first: 100, longest: 5000))
      if settings.endpoints.contains(where: { $0.contains("[") }) { try socket.set(.ipv6(true)) }
      if settings.kind == .sub { for topic in settings.topics { try socket.subscribe(topic) } }
      monitor = try SocketMonitor(of: socket, name: "source-\(number)", in: surroundings.context)
      for endpoint in settings.endpoints {
        switch settings.attachment {
        case .bind: endpoints.append(try socket.bind(endpoint))
        case .connect:
          try socket.connect(endpoint)
          endpoints.append(endpoint)
        }
      }
      self.socket = socket
    } catch {
      throw IngestError(.endpoint, "source \(settings.name): \(error)")
    }
    counters.endpoints = endpoints
    learnFields()
  }

  private static func decoder(
    _ settings: SourceSettings, _ surroundings: Surroundings
  ) throws(IngestError) -> MessageDecoder {
    do {
      return try MessageDecoder(
        rules: settings.rules, source: settings.name, maxMessageSize: settings.maxMessageSize,
        earliest: surroundings.earliest, latestAhead: surroundings.latestAhead, seed: surroundings.seed)
    } catch {
      throw IngestError(.settings, "source \(settings.name): \(error)")
    }
  }

  /// Whether new settings can be taken on without another socket.
  func canAdopt(_ new: SourceSettings) -> Bool {
    var same = new
    same.rules = settings.rules
    same.maxMessageSize = settings.maxMessageSize
    same.overflow = settings.overflow
    return same == settings
  }

  /// Takes on other rules from the next message on; the connections and the counters stay.
  func adopt(_ new: SourceSettings, _ surroundings: Surroundings) throws(IngestError) {
    decoder = try Self.decoder(new, surroundings)
    settings = new
    dropStreams = Globs(new.rules.dropStreams)
    counters.format = new.rules.format
    learnFields()
  }

  private func learnFields() {
    let names = settings.rules.fields
    fields = names.isEmpty ? nil : names.map { ($0, surroundings.sink.hash(Array($0.utf8).span)) }
    fieldsHash = names.reduce(0) { $0 &* 31 &+ surroundings.sink.hash(Array($1.utf8).span) }
  }

  // MARK: Messages

  /// Receives and routes messages until there is none, `most` have come, or a shard has no room for a source that must
  /// not lose any. Returns how many came.
  func drain(most: Int, to router: inout EventRouter, deadLetters: DeadLetterSocket?) throws(MessagingError)
    -> Int
  {
    var arrival = Clocks.monotonic()
    var wall = Clocks.wall()
    var count = 0
    while count < most {
      if settings.overflow == .block, !router.hasRoom() { break }
      guard try socket.receive(into: &message) else { break }
      count += 1
      // The clocks cost as much as a small message: they are read for every 16th when many wait.
      if count & 15 == 0 {
        arrival = Clocks.monotonic()
        wall = Clocks.wall()
      }
      take(arrival: arrival, wall: wall, &router)
      if let fault {
        report(fault, now: arrival)
        if let deadLetters, deadLetters.send(&message, source: settings.name, fault) {
          counters.deadLetters += 1
        }
        if fault == .tooLarge { message.clear() }
      }
    }
    if count > 0 {
      counters.messages += UInt64(count)
      counters.lastMessage = arrival
    }
    return count
  }

  private func take(arrival: UInt64, wall: Double, _ router: inout EventRouter) {
    fault = nil
    let last = message.count - 1
    counters.bytes += UInt64(message.size(of: last))
    // A payload's length is the decoder's matter; a topic has to fit as well.
    if message.isCut || last > 0 && message.size > settings.maxMessageSize + message.size(of: last) {
      refuse(message.isCut ? .unknownShape : .tooLarge)
      return
    }
    let sink = surroundings.sink
    let outcome =
      switch last {
      case 0: message.withFrame(0) { payload in decode([], payload, wall, sink) }
      case 1:
        message.withFrame(0) { topic in
          message.withFrame(1) { payload in decode(topic, payload, wall, sink) }
        }
      default: takeLongTopic(last, wall, sink)
      }
    switch outcome {
    case .events: router.route(sink, from: self, arrival: arrival)
    case .dropped: counters.droppedByRule += 1
    case .refused(let refusal): refuse(refusal)
    }
  }

  private func decode(
    _ topic: Span<UInt8>, _ payload: Span<UInt8>, _ wall: Double, _ sink: EventSink
  ) -> MessageDecoder.Outcome {
    decoder.decode(topic: topic, payload: payload, arrival: wall, into: sink)
  }

  private func decode(
    _ topic: [UInt8], _ payload: Span<UInt8>, _ wall: Double, _ sink: EventSink
  ) -> MessageDecoder.Outcome {
    decoder.decode(topic: topic.span, payload: payload, arrival: wall, into: sink)
  }

  /// Frames before the last join to the topic.
  private func takeLongTopic(_ last: Int, _ wall: Double, _ sink: EventSink) -> MessageDecoder.Outcome {
    topic.removeAll(keepingCapacity: true)
    for index in 0..<last {
      if index > 0 { topic.append(UInt8(ascii: "/")) }
      message.withFrame(index) { frame in
        unsafe frame.withUnsafeBufferPointer { unsafe topic.append(contentsOf: $0) }
      }
    }
    return message.withFrame(last) { payload in decode(topic, payload, wall, sink) }
  }

  func refuse(_ refusal: Refusal) {
    counters.refusals[refusal.rawValue] += 1
    if refusal.isFault, fault == nil { fault = refusal }
  }

  // MARK: Telling

  /// Tells of something, once a minute at most.
  func note(_ matter: Matter) {
    let rules = settings.rules
    switch matter {
    case .refusal: break
    case .streams:
      tell(matter, "more than \(rules.maxStreams) streams (max_streams): further ones are refused", "")
    case .fields:
      tell(
        matter, "a stream with more than \(rules.maxFields) fields (max_fields): further ones are refused", ""
      )
    case .disconnection:
      tell(
        matter, "a peer went, or was sent away for a message of more than \(settings.disconnectSize) bytes",
        "")
    case .handshake:
      tell(matter, "a peer was refused: it speaks another protocol, or has the wrong key", "")
    }
  }

  private func report(_ refusal: Refusal, now: UInt64) {
    guard isDue(.refusal(refusal), now) else { return }
    let extract = message.withFrame(message.count - 1) { Refusal.extract(of: $0) }
    tell(.refusal(refusal), "\(refusal.name): a message \(refusal)", extract)
  }

  private func isDue(_ matter: Matter, _ now: UInt64) -> Bool {
    guard let note = notes[matter], now < note.last + 60_000_000_000 else { return true }
    notes[matter] = (note.last, note.silent + 1)
    return false
  }

  private func tell(_ matter: Matter, _ text: String, _ extract: String) {
    let now = Clocks.monotonic()
    if case .refusal = matter {} else if !isDue(matter, now) { return }
    let silent = notes[matter]?.silent ?? 0
    notes[matter] = (now, 0)
    let more = silent > 0 ? " (and \(silent) times since this was last said)" : ""
    surroundings.log("source \(settings.name): \(text)\(more)", extract)
  }

  /// Reads what the connections did.
  func watchConnections() throws(MessagingError) {
    while let event = try monitor.next() {
      switch event.kind {
      case .ready: counters.peers += 1
      case .disconnected:
        if counters.peers > 0 { counters.peers -= 1 }
        counters.disconnections += 1
        note(.disconnection)
      case .handshakeFailed:
        counters.handshakesFailed += 1
        note(.handshake)
      default: break
      }
    }
  }

  /// Gives the endpoints back, so that another socket can have them.
  func release() {
    for endpoint in counters.endpoints {
      switch settings.attachment {
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

  init(_ endpoint: String, _ context: MessagingContext) throws(IngestError) {
    do throws(MessagingError) {
      let socket = try Socket(.pub, in: context)
      try socket.set(.linger(0))
      try socket.bind(endpoint)
      self.socket = socket
    } catch {
      throw IngestError(.endpoint, "dead_letter: \(error)")
    }
    self.endpoint = endpoint
  }

  /// Passes the message on without copying it; it is empty afterwards.
  func send(_ message: inout Message, source: String, _ refusal: Refusal) -> Bool {
    guard message.size <= Self.longest else { return false }
    return (try? socket.forward(&message, topic: DeadLetter.topic(source: source, refusal: refusal))) ?? false
  }

  func release() { try? socket.unbind(endpoint) }
}
