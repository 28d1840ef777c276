import Messaging
import Wire

/// One source: its socket, its decoder, its counters. Lives on the ingest thread.
struct SourceReader: ~Copyable {
  /// What a log line may be about, beside refused messages.
  enum Matter: Hashable {
    case refusal(Refusal)
    case streams, fields, disconnection, handshake
  }

  /// Never given twice.
  let number: Int
  private(set) var settings: SourceSettings
  let link: SourceSocket
  private var decoder: MessageDecoder
  var counters = SourceCounters()
  private(set) var dropStreams: Globs
  /// Names of values that come without.
  private(set) var fields: [(name: String, hash: UInt64)]?
  private(set) var fieldsHash: UInt64 = 0

  private let surroundings: Surroundings
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
    let decoder = try Self.decoder(settings, surroundings)
    let link = try SourceSocket(settings, number: number, surroundings.context)
    self.number = number
    self.settings = settings
    self.surroundings = surroundings
    self.decoder = decoder
    counters.endpoints = link.endpoints
    self.link = link
    dropStreams = Globs(settings.rules.dropStreams)
    counters.name = settings.name
    counters.format = settings.rules.format
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

  /// Whether one of the endpoints where a source wants to listen is ours.
  func isBound(toAnyOf source: SourceSettings) -> Bool {
    settings.attachment == .bind && source.attachment == .bind
      && !Set(counters.endpoints + settings.endpoints).isDisjoint(with: source.endpoints)
  }

  /// Takes on other rules from the next message on; the connections and the counters stay.
  mutating func adopt(_ new: SourceSettings, _ surroundings: Surroundings) throws(IngestError) {
    decoder = try Self.decoder(new, surroundings)
    settings = new
    dropStreams = Globs(new.rules.dropStreams)
    counters.format = new.rules.format
    learnFields()
  }

  private mutating func learnFields() {
    let names = settings.rules.fields
    fields = names.isEmpty ? nil : names.map { ($0, surroundings.sink.hash(Array($0.utf8).span)) }
    fieldsHash = names.reduce(0) { $0 &* 31 &+ surroundings.sink.hash(Array($1.utf8).span) }
  }

  // MARK: Messages

  /// Receives and routes messages until there is none, `most` have come, or a shard has no room for a source that must
  /// not lose any. Returns how many came.
  mutating func drain(
    most: Int, through message: inout Message, to router: inout EventRouter, deadLetters: DeadLetterSocket?
  ) throws(MessagingError) -> Int {
    var arrival = Clocks.monotonic()
    var wall = Clocks.wall()
    var count = 0
    while count < most {
      if settings.overflow == .block, !router.hasRoom() { break }
      guard try link.socket.receive(into: &message) else { break }
      count += 1
      // The clocks cost as much as a small message: they are read for every 16th when many wait.
      if count & 15 == 0 {
        arrival = Clocks.monotonic()
        wall = Clocks.wall()
      }
      take(message, arrival: arrival, wall: wall, &router)
      if let fault {
        report(fault, message, now: arrival)
        if let deadLetters,
          deadLetters.send(
            &message, topic: DeadLetter.topic(source: settings.name, refusal: fault))
        {
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

  private mutating func take(
    _ message: borrowing Message, arrival: UInt64, wall: Double, _ router: inout EventRouter
  ) {
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
      default: takeLongTopic(message, last, wall, sink)
      }
    switch outcome {
    case .events: router.route(sink, from: &self, arrival: arrival)
    case .dropped: counters.droppedByRule += 1
    case .refused(let refusal): refuse(refusal)
    }
  }

  private mutating func decode(
    _ topic: Span<UInt8>, _ payload: Span<UInt8>, _ wall: Double, _ sink: EventSink
  ) -> MessageDecoder.Outcome {
    decoder.decode(topic: topic, payload: payload, arrival: wall, into: sink)
  }

  private mutating func decode(
    _ topic: [UInt8], _ payload: Span<UInt8>, _ wall: Double, _ sink: EventSink
  ) -> MessageDecoder.Outcome {
    decoder.decode(topic: topic.span, payload: payload, arrival: wall, into: sink)
  }

  /// Frames before the last join to the topic.
  private mutating func takeLongTopic(
    _ message: borrowing Message, _ last: Int, _ wall: Double, _ sink: EventSink
  ) -> MessageDecoder.Outcome {
    topic.removeAll(keepingCapacity: true)
    for index in 0..<last {
      if index > 0 { topic.append(UInt8(ascii: "/")) }
      message.withFrame(index) { frame in
        unsafe frame.withUnsafeBufferPointer { unsafe topic.append(contentsOf: $0) }
      }
    }
    return message.withFrame(last) { payload in decode(topic, payload, wall, sink) }
  }

  mutating func refuse(_ refusal: Refusal) {
    counters.refusals[refusal.rawValue] += 1
    if refusal.isFault, fault == nil { fault = refusal }
  }

  // MARK: Telling

  /// Tells of something, once a minute at most.
  mutating func note(_ matter: Matter) {
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

  private mutating func report(_ refusal: Refusal, _ message: borrowing Message, now: UInt64) {
    guard isDue(.refusal(refusal), now) else { return }
    let extract = message.withFrame(message.count - 1) { Refusal.extract(of: $0) }
    tell(.refusal(refusal), "\(refusal.name): a message \(refusal)", extract)
  }

  private mutating func isDue(_ matter: Matter, _ now: UInt64) -> Bool {
    guard let note = notes[matter], now < note.last + 60_000_000_000 else { return true }
    notes[matter] = (note.last, note.silent + 1)
    return false
  }

  private mutating func tell(_ matter: Matter, _ text: String, _ extract: String) {
    let now = Clocks.monotonic()
    if case .refusal = matter {} else if !isDue(matter, now) { return }
    let silent = notes[matter]?.silent ?? 0
    notes[matter] = (now, 0)
    let more = silent > 0 ? " (and \(silent) times since this was last said)" : ""
    surroundings.log("source \(settings.name): \(text)\(more)", extract)
  }

  /// Reads what the connections did.
  mutating func watchConnections() throws(MessagingError) {
    while let event = try link.monitor.next() {
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
}

/// A place for a ``SourceReader``.
final class SourceSlot {
  var reader: SourceReader
  init(_ reader: consuming SourceReader) { self.reader = reader }
}
