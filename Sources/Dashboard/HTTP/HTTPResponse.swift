/// What is answered.
public struct HTTPResponse: Sendable {
  /// What follows the headers.
  public enum Body: Sendable {
    case bytes([UInt8])
    /// Written bit by bit until it returns: server-sent events. Closes the connection.
    case stream(@Sendable (any HTTPStream) -> Void)
  }

  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: Body

  public init(_ status: Int = 200, type: String, _ body: [UInt8], headers: [(String, String)] = []) {
    self.status = status
    self.headers = [("Content-Type", type)] + headers
    self.body = .bytes(body)
  }

  public init(_ status: Int = 200, type: String, text: String, headers: [(String, String)] = []) {
    self.init(status, type: type, Array(text.utf8), headers: headers)
  }

  public init(events: @escaping @Sendable (any HTTPStream) -> Void) {
    status = 200
    headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    body = .stream(events)
  }

  /// Status line and headers with the empty line after them. What keeps a page in its place goes with every answer: no
  /// script, style or connection from elsewhere, no frame around it, no guessing of types, nothing told to others.
  func head(keepsAlive: Bool) -> [UInt8] {
    var text = "HTTP/1.1 \(status) \(Self.phrase(status))\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    text += Self.guards
    if case .bytes(let bytes) = body { text += "Content-Length: \(bytes.count)\r\n" }
    text += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
    return Array(text.utf8)
  }

  private static let guards =
    [
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Referrer-Policy: no-referrer",
      "Cross-Origin-Resource-Policy: same-origin", "Cross-Origin-Opener-Policy: same-origin",
    ].joined(separator: "\r\n") + "\r\n"

  static func phrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 421: "Misdirected Request"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}

/// The way out of an answer that goes on.
public protocol HTTPStream {
  /// False when the reader has left or the server is stopping.
  func send(_ text: String) -> Bool
  /// Waits, at most so many seconds; false when the reader has left or the server is stopping.
  func pause(seconds: Double) -> Bool
}
