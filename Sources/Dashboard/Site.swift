public import Control
import Foundation

/// What the HTTP server answers: the dashboard's files, the metrics, health, and the API.
public struct Site: Sendable {
  /// Asks the daemon; may be called from several threads.
  public typealias Ask = @Sendable (ControlRequest) -> ControlReply

  /// What is wrong with the daemon: nil when nothing is.
  public typealias Complaint = @Sendable () -> String?

  private let api: API
  private let ask: Ask
  private let hosts: Set<String>
  private let alive: Complaint
  private let ready: Complaint
  private let feed: LiveFeed
  private let extraMetrics: @Sendable () -> String

  /// - Parameters:
  ///   - token: without which nothing can be changed.
  ///   - hosts: names under which the server is asked, beside `localhost` and numeric addresses.
  ///   - alive: does it still make progress? For `/healthz`.
  ///   - ready: does it take events? For `/readyz`.
  public init(
    ask: @escaping Ask, token: Token, hosts: [String], alive: @escaping Complaint, ready: @escaping Complaint,
    serverMetrics: @escaping @Sendable () -> String = { "" }
  ) {
    self.ask = ask
    api = API(ask: ask, token: token)
    self.hosts = Set(hosts.map { $0.lowercased() })
    self.alive = alive
    self.ready = ready
    feed = LiveFeed(ask: ask)
    extraMetrics = serverMetrics
  }

  public func respond(to request: HTTPRequest) -> HTTPResponse {
    // A page of somebody else's, whose name was made to mean this machine, must not read what is said here.
    guard isOurs(host: request.headers["host"]) else {
      return .text(421, "this host name is not served here: add it to http.hosts in the config")
    }
    if let origin = request.headers["origin"], !isSame(origin, host: request.headers["host"]) {
      return .text(403, "calls from pages of other sites are not taken")
    }
    if request.path.hasPrefix(API.root) {
      if request.path == API.root + "events" { return feed.response(to: request) }
      return api.respond(to: request)
    }
    guard request.method == "GET" || request.method == "HEAD" else { return .text(405, "GET or HEAD") }
    switch request.path {
    case "/metrics": return metrics()
    case "/healthz": return health(alive())
    case "/readyz": return health(ready())
    default:
      return Pages.response(to: request) ?? .text(404, "nothing here")
    }
  }

  private func metrics() -> HTTPResponse {
    guard case .status(let status) = ask(.status) else { return .text(503, "no status") }
    return HTTPResponse(
      type: "text/plain; version=0.0.4; charset=utf-8", text: Metrics.text(status) + extraMetrics())
  }

  private func health(_ complaint: String?) -> HTTPResponse {
    complaint.map { .text(503, $0) } ?? .text(200, "ok")
  }

  func isOurs(host: String?) -> Bool {
    guard let host else { return false }
    var name = host[...]
    if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") { name = name[..<colon] }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    return name == "localhost" || HTTPAddress.isNumeric(String(name)) || hosts.contains(name.lowercased())
  }

  private func isSame(_ origin: String, host: String?) -> Bool {
    guard let host else { return false }
    return origin == "http://" + host || origin == "https://" + host
  }
}

extension HTTPResponse {
  static func text(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(
      status, type: "text/plain; charset=utf-8", text: text + "\n", headers: [("Cache-Control", "no-store")])
  }
}
