/// One request as it came: a method, where to, and what with.
public struct HTTPRequest: Sendable, Equatable {
  public var method: String
  /// Without the query, percent signs resolved.
  public var path: String
  /// Names and values of the query, percent signs resolved, in their order.
  public var query: [(name: String, value: String)]
  /// Names in small letters.
  public var headers: [String: String]
  public var body: [UInt8]
  /// Whether the peer wants to ask again on this connection.
  public var keepsAlive: Bool

  public static func == (a: HTTPRequest, b: HTTPRequest) -> Bool {
    a.method == b.method && a.path == b.path && a.query.elementsEqual(b.query, by: ==)
      && a.headers == b.headers && a.body == b.body && a.keepsAlive == b.keepsAlive
  }
}

/// The head of a request, and how many bytes of body follow. Pure; whatever is not plainly right is refused, so that
/// nothing is read differently here than by a proxy before us.
struct HTTPHead {
  var request: HTTPRequest
  var bodyLength: Int

  enum Refusal: Error, Equatable {
    /// 400: not a request.
    case malformed(String)
    /// 411, 413, 501, 505: understood, and not taken.
    case unsupported(Int, String)
  }

  /// - Parameter bytes: up to and with the empty line.
  init(_ bytes: some Sequence<UInt8>, largestBody: Int) throws(Refusal) {
    guard let text = String(validating: Array(bytes), as: UTF8.self) else { throw .malformed("not text") }
    var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    let first = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false)
    guard first.count == 3, Self.isToken(first[0]), first[1].hasPrefix("/") else {
      throw .malformed("no request line")
    }
    guard first[2] == "HTTP/1.1" || first[2] == "HTTP/1.0" else {
      throw first[2].hasPrefix("HTTP/") ? .unsupported(505, "version") : .malformed("no version")
    }
    var headers: [String: String] = [:]
    for line in lines {
      if line.isEmpty { break }
      guard let colon = line.firstIndex(of: ":"), Self.isToken(line[..<colon]) else {
        throw .malformed("no header")
      }
      let name = line[..<colon].lowercased()
      let value = line[line.index(after: colon)...].trimmingSpaces
      guard !value.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F })
      else {
        throw .malformed("control characters in a header")
      }
      if let earlier = headers[name] {
        guard name != "content-length", name != "host" else { throw .malformed("\(name) comes twice") }
        headers[name] = earlier + ", " + value
      } else {
        headers[name] = value
      }
    }
    guard headers["transfer-encoding"] == nil else { throw .unsupported(501, "transfer-encoding") }
    bodyLength = 0
    if let length = headers["content-length"] {
      guard length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(length) else {
        throw .malformed("content-length")
      }
      guard count <= largestBody else { throw .unsupported(413, "body") }
      bodyLength = count
    } else if first[0] == "POST" || first[0] == "PUT" {
      throw .unsupported(411, "content-length")
    }
    let parts = first[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = Self.decoded(parts[0], plus: false),
      !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
    else { throw .malformed("path") }
    var query: [(name: String, value: String)] = []
    for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(sides[0], plus: true),
        let value = Self.decoded(sides.count > 1 ? sides[1] : "", plus: true)
      else { throw .malformed("query") }
      query.append((name, value))
    }
    let connection = headers["connection"]?.lowercased() ?? ""
    request = HTTPRequest(
      method: String(first[0]), path: path, query: query, headers: headers, body: [],
      keepsAlive: first[2] == "HTTP/1.1" ? !connection.contains("close") : connection.contains("keep-alive"))
  }

  private static func isToken(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || "!#$%&'*+-.^_`|~".utf8.contains($0)
      }
  }

  /// With `%41` as `A`; nil for what is no text then.
  static func decoded(_ text: some StringProtocol, plus: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(nibble), let low = rest.popFirst().flatMap(nibble) else {
          return nil
        }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plus: bytes.append(0x20)
      default: bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    var rest = self
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    return String(rest)
  }
}
