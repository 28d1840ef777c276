import ArgumentParser
import Control
import Foundation
import Messaging

/// Which end of a connection we are.
enum Attachment: String, CaseIterable, Sendable {
  /// We listen where nobody does yet and the address is ours; otherwise we connect.
  case auto, bind, connect
}

/// Where events go.
struct PublisherOptions: ParsableArguments {
  @Flag(
    help:
      "Listen at the endpoint. Without this and --connect: listen if the address is ours and free, else connect."
  )
  var bind = false
  @Flag(help: "Connect to the endpoint, where a daemon listens.") var connect = false
  @Flag(help: "PUSH, for a source of kind pull, instead of PUB.") var push = false

  func validate() throws {
    if bind && connect { throw ValidationError("--bind and --connect cannot both hold") }
  }

  var attachment: Attachment { bind ? .bind : connect ? .connect : .auto }
}

/// A socket that sends events: XPUB, so that it knows when somebody listens, or PUSH.
struct EventPublisher: ~Copyable {
  private let socket: Socket
  /// The endpoint as bound or connected.
  let endpoint: String
  let isBound: Bool
  private var hasSubscriber = false

  /// - Parameter waits: a full queue makes ``send(topic:payload:)`` wait instead of losing messages.
  init(_ endpoint: String, _ attachment: Attachment, push: Bool, waits: Bool) throws(MessagingError) {
    let socket = try Socket(push ? .push : .xpub, in: try MessagingContext())
    try socket.set(.sendHighWater(waits ? 10_000 : 1000))
    // What was sent shall arrive, but nobody waits for ever for a daemon that has gone.
    try socket.set(.linger(3000))
    if !push, waits { try socket.set(.publisherWaits(true)) }
    isBound = try Self.attach(socket, endpoint, attachment)
    self.endpoint = isBound ? socket.lastEndpoint : endpoint
    self.socket = socket
  }

  private static func attach(
    _ socket: borrowing Socket, _ endpoint: String, _ attachment: Attachment
  ) throws(MessagingError) -> Bool {
    var isBinding = attachment == .bind
    if attachment == .auto {
      // Binding an ipc endpoint would take the file away from whoever listens there.
      let path = endpoint.hasPrefix("ipc://") ? String(endpoint.dropFirst(6)) : nil
      isBinding = !(path.map { FileManager.default.fileExists(atPath: $0) } ?? false)
    }
    guard isBinding else {
      try socket.connect(endpoint)
      return false
    }
    do {
      try socket.bind(endpoint)
      return true
    } catch {
      let isElsewhere = [.portInUse, .addressNotAvailable, .badEndpoint].contains(error.reason)
      guard attachment == .auto, isElsewhere else { throw error }
      try socket.connect(endpoint)
      return false
    }
  }

  /// Waits until somebody subscribes, so that the first events are not lost; true when somebody did.
  mutating func waitForSubscriber(seconds: Double) throws(MessagingError) -> Bool {
    guard socket.kind == .xpub, !hasSubscriber else { return true }
    let end = Deadline(after: seconds)
    while !hasSubscriber, !end.isOver, !Interruption.isWanted {
      let frames = try socket.receive(timeout: Int(min(200, max(0, end.remaining * 1000))))
      if frames?.first?.first == 1 { hasSubscriber = true }
    }
    return hasSubscriber
  }

  /// Sends one message: the topic, then the payload; false when it found no room (never when it waits).
  @discardableResult
  func send(topic: String, payload: [UInt8], waits: Bool) throws(MessagingError) -> Bool {
    try socket.send([Array(topic.utf8), payload], wait: waits ? .forever : .never)
  }
}
