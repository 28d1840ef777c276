import Control
import Events
import Foundation
import Messaging
import Synchronization
import Testing

@Suite struct ControlServerTests {
  /// A server on a socket file in a folder of its own; both are gone afterwards.
  func withServer(
    _ handler: @escaping ControlServer.Handler, _ body: (ControlServer, String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let endpoint = "ipc://" + folder.appending(path: "c.sock").path
    let server = try ControlServer(endpoint: endpoint, context: try MessagingContext(), handler: handler)
    defer { server.stop() }
    try body(server, endpoint)
  }

  static let answer: ControlServer.Handler = { request in
    switch request {
    case .stream(let name): .failure(.unknownStream(name))
    case .explain(let id): .done(Done(id))
    default: .done(Done(request.command))
    }
  }

  @Test func `every request gets its own answer`() throws {
    try withServer(Self.answer) { server, endpoint in
      let client = ControlClient(endpoint: endpoint)
      for request in ControlCodingTests.requests {
        switch request {
        case .stream(let name):
          #expect(throws: Failure.unknownStream(name)) { try client.ask(request) }
        case .explain(let id):
          let reply = try client.ask(request)
          #expect(reply == .done(Done(id)))
        default:
          let reply = try client.ask(request)
          #expect(reply == .done(Done(request.command)))
        }
      }
      #expect(server.counts.answered == UInt64(ControlCodingTests.requests.count))
      #expect(server.counts.malformed == 0)
    }
  }

  @Test func `it answers over loopback too`() throws {
    let server = try ControlServer(
      endpoint: "tcp://127.0.0.1:*", context: try MessagingContext(), handler: Self.answer)
    defer { server.stop() }
    #expect(!server.endpoint.hasSuffix("*"))
    #expect(try ControlClient(endpoint: server.endpoint).ask(.doctor) == .done(Done("doctor")))
  }

  @Test func `many clients at once each get theirs`() async throws {
    let server = try ControlServer(
      endpoint: "tcp://127.0.0.1:*", context: try MessagingContext(), handler: Self.answer)
    defer { server.stop() }
    let client = ControlClient(endpoint: server.endpoint)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<20 {
        group.addTask { try client.ask(.explain(id: "\(index)")) == .done(Done("\(index)")) }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func `a malformed request is answered with a failure, counted, and harms nobody`() throws {
    try withServer(Self.answer) { server, endpoint in
      let context = try MessagingContext()
      let socket = try Socket(.dealer, in: context)
      try socket.connect(endpoint)
      try socket.send([[], Array("not json".utf8)])
      let frames = try #require(try socket.receive(timeout: 5000))
      guard case .failure(let failure) = try ControlCoding.decodeReply(try #require(frames.last)) else {
        Issue.record("not a failure")
        return
      }
      #expect(failure.kind == .protocol)
      #expect(server.counts.malformed == 1)
      #expect(try ControlClient(endpoint: endpoint).ask(.status) == .done(Done("status")))
    }
  }

  @Test func `clients that ask and never read do not hold up the others`() throws {
    let long = String(repeating: "x", count: 1 << 20)
    let answer: ControlServer.Handler = { $0 == .doctor ? .done(Done(long)) : .done(Done("")) }
    try withServer(answer) { server, endpoint in
      let context = try MessagingContext()
      let deaf = try Socket(.dealer, in: context)
      try deaf.set(.receiveHighWater(1))
      try deaf.set(.linger(0))
      try deaf.connect(endpoint)
      for _ in 0..<200 { try deaf.send([[], ControlCoding.encode(.doctor)], wait: .forever) }
      #expect(try ControlClient(endpoint: endpoint, timeout: 60).ask(.status) == .done(Done("")))
      #expect(server.counts.undelivered <= 200)
    }
  }

  @Test
  func `short questions are answered while a long one is worked on, and too many long ones are refused`()
    throws
  {
    let gate = DispatchSemaphore(value: 0)
    let begun = DispatchSemaphore(value: 0)
    let answer: ControlServer.Handler = { request in
      if request.takesTime {
        begun.signal()
        gate.wait()
      }
      return .done(Done(request.command))
    }
    try withServer(answer) { server, endpoint in
      let client = ControlClient(endpoint: endpoint)
      let outcomes = Mutex<[Bool]>([])
      let ended = DispatchGroup()
      // One in hand, eight that wait, and three too many.
      for index in 0..<12 {
        ended.enter()
        Thread.detachNewThread {
          let reply = try? client.ask(.power(stream: "a"))
          outcomes.withLock { $0.append(reply == .done(Done("power"))) }
          ended.leave()
        }
        // The others come only when the first is in hand: before, it would wait with them.
        if index == 0 { begun.wait() }
      }
      while outcomes.withLock({ $0.count }) < 3 { Thread.sleep(forTimeInterval: 0.01) }
      #expect(outcomes.withLock { $0 } == [false, false, false])
      for _ in 0..<20 {
        let reply = try client.ask(.status)
        #expect(reply == .done(Done("status")))
      }
      for _ in 0..<9 { gate.signal() }
      ended.wait()
      #expect(outcomes.withLock { $0.filter { $0 }.count } == 9)
      #expect(server.counts.answered == 32 && server.counts.undelivered == 0)
    }
  }

  @Test func `a server that stops answers the long question in hand and refuses those that wait`() throws {
    let gate = DispatchSemaphore(value: 0)
    let begun = DispatchSemaphore(value: 0)
    let server = try ControlServer(
      endpoint: "tcp://127.0.0.1:*", context: try MessagingContext()
    ) { request in
      begun.signal()
      gate.wait()
      return .done(Done(request.command))
    }
    let outcomes = Mutex<[String]>([])
    let ended = DispatchGroup()
    func ask() {
      ended.enter()
      Thread.detachNewThread {
        do throws(Failure) {
          _ = try ControlClient(endpoint: server.endpoint).ask(.drift(stream: "a"))
          outcomes.withLock { $0.append("answered") }
        } catch {
          outcomes.withLock { $0.append(error.why) }
        }
        ended.leave()
      }
    }
    ask()
    begun.wait()
    ask()
    Thread.sleep(forTimeInterval: 0.5)
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.2)
      gate.signal()
    }
    server.stop()
    ended.wait()
    #expect(Set(outcomes.withLock { $0 }) == ["answered", "it is stopping"])
  }

  @Test func `an answer too long to send becomes a failure that says so`() throws {
    let long = String(repeating: "x", count: ControlCoding.largestReply)
    let answer: ControlServer.Handler = { _ in .done(Done(long)) }
    try withServer(answer) { _, endpoint in
      #expect(throws: Failure.self) { try ControlClient(endpoint: endpoint).ask(.status) }
    }
  }

  @Test func `a second server does not steal the socket of a running one`() throws {
    try withServer(Self.answer) { _, endpoint in
      let context = try MessagingContext()
      do {
        _ = try ControlServer(endpoint: endpoint, context: context, handler: Self.answer)
        Issue.record("bound twice")
      } catch let error as Failure {
        #expect(error.why.contains("another anomalyd"))
      }
      #expect(try ControlClient(endpoint: endpoint).ask(.status) == .done(Done("status")))
    }
  }

  @Test func `a socket file left behind by a killed daemon is taken over`() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "left-\(UUID().uuidString)").path
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let server = try ControlServer(
      endpoint: "ipc://\(path)", context: try MessagingContext(), handler: Self.answer)
    #expect(try ControlClient(endpoint: "ipc://\(path)").ask(.status) == .done(Done("status")))
    let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(rights == 0o660)
    server.stop()
    server.stop()
    #expect(throws: Failure.self, "it still listens") {
      try ControlClient(endpoint: "ipc://\(path)").ask(.status)
    }
  }

  @Test(arguments: [
    ("ipc:///nowhere/at/all.sock", Failure.Kind.unavailable), ("tcp://127.0.0.1:1", .unavailable),
    ("nonsense", .usage),
  ])
  func `without a daemon the client says so at once`(endpoint: String, kind: Failure.Kind) {
    do {
      _ = try ControlClient(endpoint: endpoint, timeout: 30).ask(.status)
      Issue.record("somebody answered")
    } catch {
      #expect(error.kind == kind)
      #expect(!error.remedy.isEmpty)
    }
  }

  @Test func `a daemon that does not answer is told from one that is not there`() throws {
    let context = try MessagingContext()
    let mute = try Socket(.router, in: context)
    let endpoint = try mute.bind("tcp://127.0.0.1:*")
    do {
      _ = try ControlClient(endpoint: endpoint, timeout: 0.2).ask(.status)
      Issue.record("somebody answered")
    } catch {
      #expect(error.why.contains("no answer within 0.2 s"))
    }
  }

  @Test func `the alert feed gives the alerts of its topic and counts what it cannot read`() throws {
    let context = try MessagingContext()
    let publisher = try Socket(.xpub, in: context)
    let endpoint = try publisher.bind("tcp://127.0.0.1:*")
    var feed = try AlertFeed(endpoints: [endpoint], topic: "alert/major/")
    _ = try publisher.receive(timeout: 5000)
    let payload = [UInt8](try JSONEncoder().encode(Replies.alert))
    for (topic, bytes) in [
      ("alert/minor/host-17", payload), ("alert/major/host-17", Array("{}".utf8)), ("score/x", payload),
      ("alert/major/host-17", payload),
    ] {
      try publisher.send([Array(topic.utf8), bytes])
    }
    #expect(try feed.next(within: 5) == Replies.alert)
    #expect(feed.unreadable == 1)
    #expect(try feed.next(within: 0) == nil)
  }
}
