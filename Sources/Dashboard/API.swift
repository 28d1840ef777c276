import Control
import Foundation

/// `/api/v1/COMMAND`: the requests of the control socket, as JSON over HTTP.
///
/// What only looks is a GET with the arguments in the query; everything is also a POST with the arguments as a JSON
/// object. What changes anything, or reads files, is a POST with the token.
struct API: Sendable {
  static let root = "/api/v1/"
  let ask: Site.Ask
  let token: Token

  func respond(to request: HTTPRequest) -> HTTPResponse {
    let command = String(request.path.dropFirst(Self.root.count))
    if command == "openapi.json" {
      return HTTPResponse(type: "application/json", text: OpenAPI.document)
    }
    guard ControlRequest.commands.contains(command) else {
      return Self.json(.failure(.unknownCommand(String(command.prefix(64)))), status: 404)
    }
    let isGuarded = ControlRequest.guarded.contains(command)
    let arguments: [String: Any]
    switch request.method {
    case "GET", "HEAD":
      guard !isGuarded else { return .text(405, "\(command) wants the token: POST it") }
      arguments = Self.arguments(of: request.query)
    case "POST":
      if isGuarded, let refusal = refusal(request) { return refusal }
      guard request.headers["content-type"]?.hasPrefix("application/json") ?? request.body.isEmpty else {
        return .text(400, "send the arguments as application/json")
      }
      if request.body.isEmpty {
        arguments = [:]
      } else {
        guard let object = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
        else {
          return Self.json(
            .failure(
              Failure(
                .protocol, what: "request", why: "the body is no JSON object", remedy: "see openapi.json")))
        }
        arguments = object
      }
    default: return .text(405, "GET or POST")
    }
    return respond(command, arguments)
  }

  private func refusal(_ request: HTTPRequest) -> HTTPResponse? {
    let given = request.headers["authorization"] ?? ""
    guard given.hasPrefix("Bearer ") else {
      var response = HTTPResponse.text(401, "this wants the token of the state directory")
      response.headers.append(("WWW-Authenticate", "Bearer"))
      return response
    }
    return token.matches(String(given.dropFirst("Bearer ".count)))
      ? nil : .text(403, "the token is not the right one")
  }

  private func respond(_ command: String, _ arguments: [String: Any]) -> HTTPResponse {
    var envelope: [String: Any] = ["version": ControlRequest.version, "command": command]
    if !arguments.isEmpty { envelope["arguments"] = arguments }
    guard JSONSerialization.isValidJSONObject(envelope),
      let bytes = try? JSONSerialization.data(withJSONObject: envelope)
    else { return .text(400, "arguments that are no JSON") }
    do throws(Failure) {
      return Self.json(ask(try ControlCoding.decodeRequest([UInt8](bytes))))
    } catch {
      return Self.json(.failure(error))
    }
  }

  static func json(_ reply: ControlReply, status: Int? = nil) -> HTTPResponse {
    var code = 200
    if case .failure(let failure) = reply { code = Self.status(of: failure.kind) }
    let text = (try? ControlCoding.json(reply.body)) ?? "{}"
    return HTTPResponse(
      status ?? code, type: "application/json", text: text + "\n", headers: [("Cache-Control", "no-store")])
  }

  static func status(of kind: Failure.Kind) -> Int {
    switch kind {
    case .usage, .protocol, .configuration: 400
    case .data, .input: 404
    case .permission: 403
    case .unavailable, .temporary: 503
    case .software, .output, .io: 500
    }
  }

  /// A query's texts as the types that the arguments have.
  static func arguments(of query: [(name: String, value: String)]) -> [String: Any] {
    var arguments: [String: Any] = [:]
    for (name, value) in query {
      if ControlRequest.numbers.contains(name), let number = Double(value), number.isFinite {
        arguments[name] =
          number == number.rounded() && abs(number) < 9e15 ? Int(number) as Any : number as Any
      } else if ControlRequest.flags.contains(name), value == "true" || value == "false" {
        arguments[name] = value == "true"
      } else {
        arguments[name] = value
      }
    }
    return arguments
  }
}
