import Control
import Foundation
import Glibc
import Testing

/// What a server answered.
struct HTTPAnswer {
  var status: Int
  /// Names in small letters.
  var headers: [String: String]
  var body: String

  func json() throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(status): \(body)")
  }
}

/// Talks HTTP to a port of this machine, byte by byte, so that it can also talk nonsense.
final class HTTPPeer {
  private let descriptor: Int32

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    if !isConnected { throw Daemon.Complaint("nobody listens on port \(port)") }
  }

  deinit { close(descriptor) }

  func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// What comes until `isEnough` or the end, at most for so many seconds.
  func hear(seconds: Double = 20, until isEnough: (String) -> Bool = { _ in false }) -> String {
    var all: [UInt8] = []
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&item, 1, 100) > 0 else { continue }
      var piece = [UInt8](repeating: 0, count: 65_536)
      let count = unsafe recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { break }
      all.append(contentsOf: piece[..<count])
      if isEnough(String(decoding: all, as: UTF8.self)) { break }
    }
    return String(decoding: all, as: UTF8.self)
  }

  /// A page of any server on this machine.
  static func get(_ path: String, port: Int) throws -> HTTPAnswer {
    let peer = try HTTPPeer(port: port)
    peer.say("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n")
    return try answer(peer.hear())
  }

  /// A port that nobody has at the moment, for a program that cannot choose one itself.
  static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    try #require(isBound)
    return Int(UInt16(bigEndian: address.sin_port))
  }

  static func answer(_ text: String) throws -> HTTPAnswer {
    let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    var lines = try #require(parts.first).split(separator: "\r\n")
    try #require(!lines.isEmpty, "no answer")
    let first = lines.removeFirst().split(separator: " ")
    var headers: [String: String] = [:]
    for line in lines {
      let sides = line.split(separator: ":", maxSplits: 1)
      headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
    }
    return HTTPAnswer(
      status: Int(first[1]) ?? 0, headers: headers, body: parts.count > 1 ? String(parts[1]) : "")
  }
}

extension Daemon {
  /// Where its HTTP server listens.
  func httpPort() throws -> Int {
    let address = try wait("an HTTP server", for: { try status().endpoints.http }, until: { $0 != nil })
    return try #require(address.flatMap { URL(string: $0)?.port })
  }

  var token: String {
    get throws {
      try String(contentsOf: state.appending(path: "token"), encoding: .utf8).trimmingCharacters(
        in: .whitespacesAndNewlines)
    }
  }

  func http(
    _ method: String = "GET", _ path: String, headers: [String: String] = [:], body: String? = nil
  ) throws -> HTTPAnswer {
    let port = try httpPort()
    var lines = ["\(method) \(path) HTTP/1.1", "Connection: close"]
    var all = ["Host": "127.0.0.1:\(port)"].merging(headers) { $1 }
    if let body {
      all["Content-Length"] = "\(body.utf8.count)"
      if all["Content-Type"] == nil { all["Content-Type"] = "application/json" }
    }
    lines += all.map { "\($0.key): \($0.value)" }
    let peer = try HTTPPeer(port: port)
    peer.say(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    return try HTTPPeer.answer(peer.hear())
  }
}
