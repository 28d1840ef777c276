import Foundation
import Messaging
import Pipeline
import Testing

@testable import Settings

@Suite struct SecurityReadingTests {
  /// A folder with `daemon.key_secret`, `peer.key` and the directory `allowed`.
  func withKeys(_ body: (String, CurveKeys) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder + "/allowed", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let keys = try CurveKeys.generate()
    try write(
      CurveFile(publicKey: keys.publicKey, secretKey: keys.secretKey).text, folder + "/daemon.key_secret")
    try write(CurveFile(publicKey: keys.publicKey, secretKey: nil).text, folder + "/peer.key")
    try body(folder, keys)
  }

  func write(_ text: String, _ path: String, mode: Int = 0o600) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  func problems(_ text: String) -> [String] {
    do throws(ConfigError) {
      _ = try DaemonSettings.parse(text, file: "c.yaml")
      return []
    } catch {
      return error.problems.map { "\($0)" }
    }
  }

  @Test func `a socket that binds lets in a directory, one that connects knows its publisher`() throws {
    try withKeys { folder, keys in
      let settings = try DaemonSettings.parse(
        """
        security: {key: \(folder)/daemon.key_secret}
        sources:
          - {name: a, bind: [tcp://127.0.0.1:1], curve: true, allowed: \(folder)/allowed}
          - {name: b, connect: [tcp://127.0.0.1:2], curve: true, server_key: \(folder)/peer.key}
          - {name: c, connect: [tcp://127.0.0.1:3]}
        publish: {curve: true, allowed: \(folder)/allowed}
        control: {curve: true, allowed: \(folder)/allowed}
        """, file: "c.yaml"
      ).settings.pipeline
      let server = SocketSecurity.server(keys, allowed: folder + "/allowed")
      #expect(
        settings.ingest.sources.map(\.security) == [server, .client(keys, serverKey: keys.publicKey), .none])
      #expect(settings.pipeline.publish.security == server && settings.ingest.deadLetterSecurity == server)
      #expect(settings.control.security == server)
    }
  }

  @Test func `every half-done security is an error that says what is missing`() throws {
    try withKeys { folder, _ in
      let key = "security: {key: \(folder)/daemon.key_secret}\n"
      let cases = [
        ("control: {curve: true, allowed: \(folder)/allowed}", "control.curve: needs this daemon's own keys"),
        (key + "control: {curve: true}", "control.allowed: is missing"),
        (key + "publish: {curve: true}", "publish.allowed: is missing"),
        (key + "publish: {curve: true, allowed: allowed}", "publish.allowed: has to be an absolute path"),
        (key + "publish: {curve: true, allowed: \(folder)/nowhere}", "no directory that can be read"),
        (key + "publish: {allowed: \(folder)/allowed}", "publish.allowed: is used with `curve: true` only"),
        (
          key + "sources: [{name: a, connect: [tcp://h:1], curve: true}]", "sources[0].server_key: is missing"
        ),
        (
          key + "sources: [{name: a, bind: [tcp://*:1], curve: true, server_key: \(folder)/peer.key}]",
          "sources[0].server_key: is of a source that connects"
        ),
        ("security: {key: \(folder)/none}", "security.key: \"\(folder)/none\" cannot be read"),
        ("security: {key: \(folder)/peer.key}", "holds the public key only"),
      ]
      for (text, message) in cases {
        let found = problems(text)
        #expect(found.contains { $0.contains(message) }, "\(text): \(found)")
      }
      try write("no key", folder + "/text")
      #expect(problems("security: {key: \(folder)/text}").contains { $0.contains("holds no CURVE key") })
      try write(
        try String(contentsOfFile: folder + "/daemon.key_secret", encoding: .utf8), folder + "/open",
        mode: 0o644)
      #expect(
        problems("security: {key: \(folder)/open}").contains { $0.contains("may be read by everybody") })
    }
  }

  @Test func `certificates as pyzmq and czmq write them are read, and damaged ones are not`() throws {
    let keys = try CurveKeys.generate()
    let foreign = """
      #   ****  Generated on 2026-11-22 by pyzmq  ****
      #   ZeroMQ CURVE **Secret** Certificate

      metadata
          email = "a = b"
      curve
          public-key = "\(keys.publicKey)"
          secret-key = "\(keys.secretKey)"
      """
    let file = CurveFile(publicKey: keys.publicKey, secretKey: keys.secretKey)
    #expect(CurveFile(parsing: foreign) == file)
    #expect(CurveFile(parsing: file.text) == file)
    #expect(CurveFile(parsing: keys.publicKey + "\n")?.publicKey == keys.publicKey)
    // A secret that belongs to another public key, a key that is cut off, and no key at all.
    let other = try CurveKeys.generate()
    for damaged in [
      foreign.replacing(keys.secretKey, with: other.secretKey),
      foreign.replacing(keys.publicKey, with: "short"), "",
      String(keys.publicKey.dropLast()),
    ] { #expect(CurveFile(parsing: damaged) == nil, "\(damaged)") }
  }
}
