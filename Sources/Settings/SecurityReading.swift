import Foundation
import Messaging

/// Keys of `security`, and `curve`, `allowed` and `server_key` wherever there is a socket.
struct SecurityReading {
  /// This daemon's own; nil when there are none.
  private var keys: CurveKeys?
  private let isNamed: Bool

  init(_ root: ConfigSection) {
    var keys: CurveKeys?
    var file: String?
    root.section("security") { section in
      section.text("key", &file, absence: "none")
      guard let file else { return }
      keys = Self.keys(file) { section.report("key", $0) }
    }
    self.keys = keys
    isNamed = file != nil
  }

  /// A secret that everybody on the machine can read is none.
  private static func keys(_ file: String, _ report: (String) -> Void) -> CurveKeys? {
    guard let mode = mode(of: file) else {
      report(
        "\"\(file)\" cannot be read: make one with `anomalyctl keygen NAME`, which writes NAME.key_secret")
      return nil
    }
    guard mode & 0o007 == 0 else {
      report("\"\(file)\" may be read by everybody: chmod 640 it, with the group of the daemon")
      return nil
    }
    guard let certificate = AllowedKeys.read(file) else {
      report("\"\(file)\" holds no CURVE key: make one with `anomalyctl keygen NAME`")
      return nil
    }
    guard let keys = certificate.secretKey.flatMap(CurveKeys.init(secretKey:)) else {
      report("\"\(file)\" holds the public key only: name the file that ends in .key_secret")
      return nil
    }
    return keys
  }

  private static func mode(of file: String) -> Int? {
    guard FileManager.default.isReadableFile(atPath: file) else { return nil }
    return (try? FileManager.default.attributesOfItem(atPath: file))?[.posixPermissions] as? Int
  }

  /// Of a socket that others connect to.
  func readServer(_ section: ConfigSection, _ security: inout SocketSecurity) {
    read(section, binds: true, hasServerKey: false, &security)
  }

  /// Of a source, which may connect or bind.
  func readSource(_ section: ConfigSection, binds: Bool, _ security: inout SocketSecurity) {
    read(section, binds: binds, hasServerKey: true, &security)
  }

  private func read(
    _ section: ConfigSection, binds: Bool, hasServerKey: Bool, _ security: inout SocketSecurity
  ) {
    var isCurve = false
    var allowed: String?
    var serverKey: String?
    section.flag("curve", &isCurve)
    section.text("allowed", &allowed, absence: "none")
    if hasServerKey { section.text("server_key", &serverKey, absence: "none") }
    security = .none
    guard isCurve else {
      for (key, value) in [("allowed", allowed), ("server_key", serverKey)] where value != nil {
        section.report(key, "is used with `curve: true` only")
      }
      return
    }
    guard let keys else {
      if !isNamed {
        section.report(
          "curve",
          "needs this daemon's own keys: make them with `anomalyctl keygen`, name the file as security.key")
      }
      return
    }
    if binds {
      if serverKey != nil { section.report("server_key", "is of a source that connects; this one binds") }
      server(section, keys, allowed, &security)
    } else {
      if allowed != nil { section.report("allowed", "is of a socket that binds; this one connects") }
      client(section, keys, serverKey, &security)
    }
  }

  private func server(
    _ section: ConfigSection, _ keys: CurveKeys, _ allowed: String?, _ security: inout SocketSecurity
  ) {
    guard let allowed else {
      section.report(
        "allowed",
        "is missing: without a list of keys CURVE lets everybody in; name a directory of public keys")
      return
    }
    guard allowed.hasPrefix("/") else { return section.report("allowed", "has to be an absolute path") }
    guard AllowedKeys.keys(in: allowed) != nil else {
      return section.report(
        "allowed", "\"\(allowed)\" is no directory that can be read: make it, for files NAME.key")
    }
    security = .server(keys, allowed: allowed)
  }

  private func client(
    _ section: ConfigSection, _ keys: CurveKeys, _ file: String?, _ security: inout SocketSecurity
  ) {
    guard let file else {
      return section.report("server_key", "is missing: name the file with the public key of the publisher")
    }
    guard let certificate = AllowedKeys.read(file) else {
      return section.report("server_key", "\"\(file)\" holds no public key that can be read")
    }
    security = .client(keys, serverKey: certificate.publicKey)
  }
}
