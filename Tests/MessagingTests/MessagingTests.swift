import Foundation
import Messaging
import Testing

struct MessagingTests {
  let context: MessagingContext

  init() throws { context = try MessagingContext() }

  /// A publisher's messages count from when the subscription has reached it: it is asked for until it is there.
  private func awaitSubscription(_ publisher: borrowing Socket) throws {
    #expect(try publisher.receive(timeout: 5000) != nil)
  }

  @Test func `a message of several frames crosses tcp on a free port as it was sent`() throws {
    let receiver = try Socket(.pull, in: context)
    let endpoint = try receiver.bind("tcp://127.0.0.1:*")
    #expect(!endpoint.hasSuffix(":*") && endpoint.hasPrefix("tcp://127.0.0.1:"))
    let sender = try Socket(.push, in: context)
    try sender.connect(endpoint)
    let frames: [[UInt8]] = [Array("topic".utf8), [], Array(repeating: 7, count: 100_000)]
    #expect(try sender.send(frames, wait: .forever))
    #expect(try receiver.receive(timeout: 5000) == frames)
    #expect(try receiver.receive(timeout: 0) == nil)
  }

  @Test func `a reused message holds the frames of the latest receive only`() throws {
    let receiver = try Socket(.pull, in: context)
    let sender = try Socket(.push, in: context)
    try receiver.bind("inproc://reuse")
    try sender.connect("inproc://reuse")
    try sender.send([Array("a".utf8), Array("first".utf8)])
    try sender.send([Array("second".utf8)])
    var message = Message()
    #expect(try receiver.receive(into: &message, wait: .forever))
    #expect(message.count == 2 && message.text(of: 1) == "first" && message.size == 6)
    #expect(try receiver.receive(into: &message, wait: .forever))
    #expect(message.count == 1 && message.text(of: 0) == "second")
    #expect(message.withFrame(0) { $0[0] } == UInt8(ascii: "s"))
    #expect(try !receiver.receive(into: &message))
    #expect(message.count == 0)
  }

  @Test func `a message of more frames than anyone means is cut, and the next is whole`() throws {
    let receiver = try Socket(.pull, in: context)
    let sender = try Socket(.push, in: context)
    try receiver.bind("inproc://cut")
    try sender.connect("inproc://cut")
    try sender.send((0..<200).map { [UInt8($0)] })
    try sender.send([[9]])
    var message = Message()
    #expect(try receiver.receive(into: &message, wait: .forever))
    #expect(message.count == Message.maxFrames && message.isCut)
    #expect(try receiver.receive(into: &message, wait: .forever))
    #expect(message.count == 1 && !message.isCut && message.bytes(of: 0) == [9])
  }

  @Test func `an ipc endpoint stays with the one who listens there, and one left behind can be taken`() throws
  {
    let path = FileManager.default.temporaryDirectory.appending(path: "endpoint-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try Socket(.pull, in: context)
    try first.bind("ipc://\(path)")
    let second = try Socket(.pull, in: context)
    let error = #expect(throws: MessagingError.self) { try second.bind("ipc://\(path)") }
    #expect(error?.reason == .portInUse && error?.subject == "ipc://\(path)")
    let sender = try Socket(.push, in: context)
    try sender.connect("ipc://\(path)")
    try sender.send([[1]], wait: .forever)
    #expect(try first.receive(timeout: 5000) == [[1]])

    let leftBehind = path + "-old"
    defer { try? FileManager.default.removeItem(atPath: leftBehind) }
    #expect(FileManager.default.createFile(atPath: leftBehind, contents: nil))
    try second.bind("ipc://\(leftBehind)")
  }

  @Test func `a port in use is told with the endpoint, the reason and what to do`() throws {
    let first = try Socket(.pub, in: context)
    let endpoint = try first.bind("tcp://127.0.0.1:*")
    let second = try Socket(.pub, in: context)
    let error = #expect(throws: MessagingError.self) { try second.bind(endpoint) }
    #expect(error?.reason == .portInUse)
    #expect(error?.description.hasPrefix("\(endpoint): Address already in use: ") == true)
    #expect(error?.description.contains("choose another port") == true)
  }

  @Test(arguments: [
    ("nonsense", MessagingError.Reason.badEndpoint), ("tcp://127.0.0.1", .badEndpoint),
    ("smoke://signals", .transportNotSupported), ("ipc:///nowhere/at/all/socket", .noSuchFolder),
    ("tcp://192.0.2.77:0", .addressNotAvailable),
  ])
  func `a wrong endpoint is told by its reason`(endpoint: String, reason: MessagingError.Reason) throws {
    let socket = try Socket(.pull, in: context)
    let error = #expect(throws: MessagingError.self) { try socket.bind(endpoint) }
    #expect(error?.reason == reason)
    #expect(error?.subject == endpoint)
  }

  @Test func `a refused option is told by its name`() throws {
    let socket = try Socket(.pull, in: context)
    let error = #expect(throws: MessagingError.self) { try socket.set(.receiveHighWater(-5)) }
    #expect(error?.reason == .badOption)
    #expect(error?.subject == "receiveHighWater(-5)")
  }

  @Test func `a subscriber gets the prefixes it asked for, over ipc`() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "s-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: path) }
    let publisher = try Socket(.xpub, in: context)
    try publisher.bind("ipc://\(path.path)")
    let subscriber = try Socket(.sub, in: context)
    try subscriber.subscribe("cpu")
    try subscriber.connect("ipc://\(path.path)")
    try awaitSubscription(publisher)
    try publisher.send([Array("mem".utf8), [1]])
    try publisher.send([Array("cpu.user".utf8), [2]])
    #expect(try subscriber.receive(timeout: 5000) == [Array("cpu.user".utf8), [2]])
  }

  @Test func `a publisher told to wait says that its subscriber is full, and loses nothing`() throws {
    let publisher = try Socket(.xpub, in: context)
    try publisher.set(.publisherWaits(true))
    try publisher.set(.sendHighWater(10))
    try publisher.bind("inproc://full")
    let subscriber = try Socket(.sub, in: context)
    try subscriber.set(.receiveHighWater(10))
    try subscriber.subscribe()
    try subscriber.connect("inproc://full")
    try awaitSubscription(publisher)
    var sent = 0
    while try sent < 1000 && publisher.send([[UInt8(sent)]]) { sent += 1 }
    #expect(sent < 1000)
    var received = 0
    while let frames = try subscriber.receive(timeout: 200) {
      #expect(frames == [[UInt8(received)]])
      received += 1
    }
    #expect(received == sent)
  }

  @Test func `a router answers a dealer and a request, and says when a peer is unknown`() throws {
    let router = try Socket(.router, in: context)
    try router.set(.routerMandatory(true))
    let endpoint = try router.bind("tcp://127.0.0.1:*")
    let dealer = try Socket(.dealer, in: context)
    try dealer.connect(endpoint)
    try dealer.send([[1], [2]])
    let asked = try #require(try router.receive(timeout: 5000))
    #expect(asked.dropFirst() == [[1], [2]])
    try router.send([asked[0], [3]])
    #expect(try dealer.receive(timeout: 5000) == [[3]])
    let error = #expect(throws: MessagingError.self) { try router.send([[0, 1, 2], [3]]) }
    #expect(error?.reason == .unroutable)

    let request = try Socket(.req, in: context)
    try request.connect(endpoint)
    try request.send([[4]])
    let again = #expect(throws: MessagingError.self) { try request.send([[5]]) }
    #expect(again?.reason == .wrongState)
    let frames = try #require(try router.receive(timeout: 5000))
    try router.send([frames[0], [], [6]])
    #expect(try request.receive(timeout: 5000) == [[6]])
  }

  @Test func `a poller tells which of its sockets has something, and a bell wakes it from another thread`()
    throws
  {
    let first = try Socket(.pull, in: context)
    let second = try Socket(.pull, in: context)
    try first.bind("inproc://first")
    try second.bind("inproc://second")
    let bell = try Bell()
    var poller = Poller()
    let (one, two, ring) = (poller.add(first), poller.add(second), poller.add(bell))
    #expect(try poller.wait(milliseconds: 1) == 0)
    let sender = try Socket(.push, in: context)
    try sender.connect("inproc://second")
    try sender.send([[1]])
    #expect(try poller.wait(milliseconds: 5000) == 1)
    #expect(!poller.isReady(one) && poller.isReady(two) && !poller.isReady(ring))
    poller.setWatched(two, false)
    Thread.detachNewThread { bell.ring() }
    #expect(try poller.wait(milliseconds: 5000) == 1)
    #expect(!poller.isReady(two) && poller.isReady(ring))
    #expect(bell.hush())
    #expect(!bell.hush())
    #expect(try poller.wait(milliseconds: 1) == 0)
  }

  @Test func `shutting the context down ends a wait`() throws {
    let context = try MessagingContext()
    let socket = try Socket(.pull, in: context)
    try socket.bind("inproc://ending")
    Thread.detachNewThread { context.shutdown() }
    var message = Message()
    let error = #expect(throws: MessagingError.self) { try socket.receive(into: &message, wait: .forever) }
    #expect(error?.reason == .terminated)
  }

  @Test func `a message too long for the receiver never arrives, and later ones do`() throws {
    let receiver = try Socket(.pull, in: context)
    try receiver.set(.maxMessageSize(1000))
    let endpoint = try receiver.bind("tcp://127.0.0.1:*")
    let long = try Socket(.push, in: context)
    try long.set(.linger(0))
    try long.connect(endpoint)
    try long.send([Array(repeating: 1, count: 100_000)], wait: .forever)
    let short = try Socket(.push, in: context)
    try short.connect(endpoint)
    try short.send([[2]], wait: .forever)
    #expect(try receiver.receive(timeout: 5000) == [[2]])
  }

  @Test func `a message passed on arrives under its new topic with the same frames`() throws {
    let receiver = try Socket(.pull, in: context)
    let sender = try Socket(.push, in: context)
    try receiver.bind("inproc://in")
    try sender.connect("inproc://in")
    let next = try Socket(.pull, in: context)
    let forwarder = try Socket(.push, in: context)
    try next.bind("inproc://out")
    try forwarder.connect("inproc://out")
    try sender.send([[1], [2]])
    var message = Message()
    #expect(try receiver.receive(into: &message, wait: .forever))
    #expect(try forwarder.forward(&message, topic: "t"))
    #expect(message.count == 0)
    #expect(try next.receive(timeout: 5000) == [Array("t".utf8), [1], [2]])
  }

  @Test func `a monitor tells that a peer came and went`() throws {
    let receiver = try Socket(.pull, in: context)
    let monitor = try SocketMonitor(of: receiver, name: "test", in: context)
    let endpoint = try receiver.bind("tcp://127.0.0.1:*")
    do {
      let sender = try Socket(.push, in: context)
      try sender.connect(endpoint)
      try sender.send([[1]])
      #expect(try receiver.receive(timeout: 5000) != nil)
    }
    var kinds: [ConnectionEvent.Kind] = []
    let deadline = Date(timeIntervalSinceNow: 5)
    while !kinds.contains(.disconnected), Date() < deadline {
      if let frames = try monitor.next() { kinds.append(frames.kind) }
    }
    #expect(kinds.starts(with: [.listening]))
    #expect(kinds.contains(.accepted) && kinds.contains(.ready) && kinds.contains(.disconnected))
  }
}
