import Control
import Foundation
import Messaging
import Testing

/// True daemons, true keys, and peers that are let in or not.
@Suite struct CurveTests {
  /// A daemon whose every TCP socket asks for keys; each kind of peer has a directory of its own.
  struct Castle {
    let folder: URL
    let daemon: CurveKeys
    let ports: [String: UInt16]

    init(in folder: URL) throws {
      self.folder = folder
      daemon = try Self.keys("daemon", in: folder)
      var ports: [String: UInt16] = [:]
      for name in ["events", "alerts", "letters", "control"] { ports[name] = try FreePort.next() }
      self.ports = ports
      for name in ["publishers", "subscribers", "operators"] {
        try FileManager.default.createDirectory(
          at: folder.appending(path: name), withIntermediateDirectories: true)
      }
    }

    /// A pair as `anomalyctl keygen` makes it.
    static func keys(_ name: String, in folder: URL) throws -> CurveKeys {
      let path = folder.appending(path: name).path
      let ended = try Programs.run("anomalyctl", ["keygen", path])
      try #require(ended.status == 0, "\(ended.errors)")
      return try #require(
        AllowedKeys.read(path + ".key_secret")?.secretKey.flatMap(CurveKeys.init(secretKey:)))
    }

    func keys(_ name: String) throws -> CurveKeys { try Self.keys(name, in: folder) }

    func admit(_ name: String, to directory: String) throws {
      try FileManager.default.copyItem(
        at: folder.appending(path: "\(name).key"),
        to: folder.appending(path: directory).appending(path: "\(name).key"))
    }

    func shutOut(_ name: String, from directory: String) throws {
      try FileManager.default.removeItem(at: folder.appending(path: directory).appending(path: "\(name).key"))
    }

    func endpoint(_ name: String) -> String { "tcp://127.0.0.1:\(ports[name] ?? 0)" }
    func client(_ keys: CurveKeys) -> SocketSecurity { .client(keys, serverKey: daemon.publicKey) }

    var config: String {
      """
      security: {key: \(folder.path)/daemon.key_secret}
      sources:
        - {name: guarded, socket: pull, bind: "\(endpoint("events"))", curve: true, allowed: \(folder.path)/publishers}
      publish:
        endpoints: ["\(endpoint("alerts"))"]
        dead_letter: "\(endpoint("letters"))"
        curve: true
        allowed: \(folder.path)/subscribers
      control: {endpoint: "\(endpoint("control"))", curve: true, allowed: \(folder.path)/operators}
      """
    }

    func start() throws -> Daemon {
      let oper = try keys("oper")
      try admit("oper", to: "operators")
      return try Daemon(
        config, in: folder,
        environment: [
          "ANOMALYD_CONTROL_ENDPOINT": endpoint("control"), "ANOMALYD_PUBLISH_ENDPOINTS": endpoint("alerts"),
        ],
        asking: ControlClient(endpoint: endpoint("control"), timeout: 5, security: client(oper)))
    }
  }

  static let event = #"{"stream":"a","ts":1700000000,"values":{"x":1}}"#

  func admission(_ socket: String, of daemon: Daemon) throws -> AdmissionReport {
    try #require(try daemon.status().admissions.first { $0.socket == socket }, "no counts of \(socket)")
  }

  @Test
  func `a publisher with an allowed key is heard; one with another key or none is turned away and counted`()
    throws
  {
    try Programs.withFolder { folder in
      let castle = try Castle(in: folder)
      let friend = try castle.keys("friend")
      let stranger = try castle.keys("stranger")
      try castle.admit("friend", to: "publishers")
      let daemon = try castle.start()

      let heard = try Sender(to: castle.endpoint("events"), security: castle.client(friend))
      try heard.send(Self.event)
      try daemon.waitForMessages(1, of: "guarded")
      #expect(try admission("source guarded", of: daemon).admitted >= 1)

      let unheard = try Sender(to: castle.endpoint("events"), security: castle.client(stranger))
      let naked = try Sender(to: castle.endpoint("events"))
      for _ in 0..<5 {
        try unheard.send(Self.event)
        try naked.send(Self.event)
      }
      try daemon.wait(
        "a refusal", for: { try admission("source guarded", of: daemon).refused }, until: { $0 >= 1 })
      // What the friend says later comes, what the others said before does not.
      try heard.send(Self.event)
      try daemon.waitForMessages(2, of: "guarded")
      #expect(try daemon.source("guarded").messages == 2)
      #expect(daemon.log.contains("a peer was turned away"))
    }
  }

  @Test func `a key is let in when its file comes, and shut out when it goes, without a reload`() throws {
    try Programs.withFolder { folder in
      let castle = try Castle(in: folder)
      let late = try castle.keys("late")
      let daemon = try castle.start()
      let first = try Sender(to: castle.endpoint("events"), security: castle.client(late))
      try first.send(Self.event)
      try daemon.wait(
        "a refusal", for: { try admission("source guarded", of: daemon).refused }, until: { $0 >= 1 })
      #expect(try daemon.source("guarded").messages == 0)

      try castle.admit("late", to: "publishers")
      try daemon.wait(
        "its key", for: { try admission("source guarded", of: daemon).keys }, until: { $0 == 1 })
      let second = try Sender(to: castle.endpoint("events"), security: castle.client(late))
      try second.send(Self.event)
      try daemon.waitForMessages(1, of: "guarded")

      try castle.shutOut("late", from: "publishers")
      try daemon.wait("no key", for: { try admission("source guarded", of: daemon).keys }, until: { $0 == 0 })
      let before = try admission("source guarded", of: daemon).refused
      let third = try Sender(to: castle.endpoint("events"), security: castle.client(late))
      try third.send(Self.event)
      try daemon.wait(
        "another refusal", for: { try admission("source guarded", of: daemon).refused },
        until: { $0 > before })
    }
  }

  @Test func `what is published reaches a subscriber with an allowed key, and no other`() throws {
    try Programs.withFolder { folder in
      let castle = try Castle(in: folder)
      let (friend, reader, stranger) = (
        try castle.keys("friend"), try castle.keys("reader"), try castle.keys("stranger")
      )
      try castle.admit("friend", to: "publishers")
      try castle.admit("reader", to: "subscribers")
      let daemon = try castle.start()
      let context = try MessagingContext()
      func subscriber(_ keys: CurveKeys) throws -> Socket {
        let socket = try Socket(.sub, in: context)
        try socket.set(.linger(0))
        try socket.secure(castle.client(keys), domain: "subscriber")
        try socket.subscribe("dead-letter/")
        try socket.connect(castle.endpoint("letters"))
        return socket
      }
      let allowed = try subscriber(reader)
      let forbidden = try subscriber(stranger)
      try daemon.wait(
        "a refusal", for: { try admission("publish.dead_letter", of: daemon).refused }, until: { $0 >= 1 })
      // A publisher may not subscribe, nor a subscriber publish: each socket has its own list.
      let sender = try Sender(to: castle.endpoint("events"), security: castle.client(friend))
      var letter: [[UInt8]]?
      for _ in 0..<100 where letter == nil {
        try sender.send("no JSON")
        letter = try allowed.receive(timeout: 100)
      }
      #expect(letter?.last == Array("no JSON".utf8))
      #expect(try forbidden.receive(timeout: 200) == nil)
    }
  }

  @Test func `anomalyctl asks over TCP with an allowed key, and is told when its key is not`() throws {
    try Programs.withFolder { folder in
      let castle = try Castle(in: folder)
      _ = try castle.keys("stranger")
      let daemon = try castle.start()
      func control(_ name: String) throws -> Programs.Ended {
        try Programs.run(
          "anomalyctl",
          [
            "status", "--socket", castle.endpoint("control"), "--key", "\(folder.path)/\(name).key_secret",
            "--server-key", "\(folder.path)/daemon.key",
          ])
      }
      let allowed = try control("oper")
      #expect(allowed.status == 0, "\(allowed.errors)")
      let refused = try control("stranger")
      #expect(refused.status == 77, "\(refused.errors)")
      #expect(refused.errors.contains("does not let this key in"))
      #expect(try admission("control", of: daemon).refused >= 1)
      let naked = try Programs.run(
        "anomalyctl", ["status", "--socket", castle.endpoint("control"), "--timeout", "1"])
      #expect(naked.status == 69 || naked.status == 77)
    }
  }

  @Test func `a CURVE source without a list of allowed keys does not start, and says so`() throws {
    try Programs.withFolder { folder in
      _ = try Castle.keys("daemon", in: folder)
      func refusal(_ source: String) throws -> Programs.Ended {
        try Daemon.refusal(
          "security: {key: \(folder.path)/daemon.key_secret}\nsources:\n  - {name: a, \(source), curve: true}\n",
          in: folder)
      }
      let ended = try refusal("bind: [tcp://127.0.0.1:*]")
      #expect(ended.status == 78)
      #expect(
        ended.errors.contains(
          "sources[0].allowed: is missing: without a list of keys CURVE lets everybody in"))
      #expect(
        try refusal("bind: [tcp://127.0.0.1:*], allowed: \(folder.path)/none").errors.contains("no directory")
      )
      #expect(
        try refusal("connect: [tcp://127.0.0.1:1]").errors.contains("sources[0].server_key: is missing"))
    }
  }

  @Test func `keygen keeps its secret from others and does not overwrite a key`() throws {
    try Programs.withFolder { folder in
      let path = folder.appending(path: "host").path
      let made = try Programs.run("anomalyctl", ["keygen", path, "--json"]).json()
      let secret = try #require(AllowedKeys.read(path + ".key_secret"))
      #expect(made["public_key"] as? String == secret.publicKey)
      let given = try #require(AllowedKeys.read(path + ".key"))
      #expect(given == CurveFile(publicKey: secret.publicKey, secretKey: nil))
      let mode =
        try FileManager.default.attributesOfItem(atPath: path + ".key_secret")[.posixPermissions] as? Int
      #expect(mode == 0o600)
      #expect(try Programs.run("anomalyctl", ["keygen", path]).status == 73)
      #expect(AllowedKeys.read(path + ".key_secret") == secret)
    }
  }
}
