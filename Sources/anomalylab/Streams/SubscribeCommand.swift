import ArgumentParser
import Control
import Foundation
import Messaging

struct SubscribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Prints what is published at an endpoint, a line per message.",
    discussion: "A line is the topic and the payload as they are; what is no text is shown by its length.")
  @Option(help: "Where something is published: tcp://HOST:PORT or ipc://PATH.") var endpoint: [String]
  @Option(help: ArgumentHelp("Only topics that begin so; may be repeated.", valueName: "prefix")) var topic:
    [String] = []
  @Option(help: "End after so many messages.") var count: Int?
  @Option(name: .customLong("for"), help: ArgumentHelp("End after this time.", valueName: "span")) var span:
    SpanArgument?
  @Flag(help: "Listen at the endpoint instead of connecting to it.") var bind = false
  @Flag(help: "PULL instead of SUB.") var pull = false
  @Flag(help: "Print only the payloads: JSON lines, when they are JSON.") var json = false

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    if endpoint.isEmpty { throw ValidationError("--endpoint is missing") }
    if pull, !topic.isEmpty {
      throw ValidationError("--pull takes everything: --topic means nothing with it")
    }
  }

  func run() throws {
    Interruption.watch()
    let socket = try Socket(pull ? .pull : .sub, in: try MessagingContext())
    if !pull { for prefix in topic.isEmpty ? [""] : topic { try socket.subscribe(prefix) } }
    for endpoint in endpoint { if bind { try socket.bind(endpoint) } else { try socket.connect(endpoint) } }
    let end = span.map { Deadline(after: $0.seconds) }
    var seen = 0
    while seen < count ?? .max, !Interruption.isWanted {
      let left = end?.remaining ?? 0.2
      guard end == nil || left > 0 else { break }
      guard let frames = try socket.receive(timeout: Int(min(200, max(1, left * 1000)))) else { continue }
      seen += 1
      let shown = (json ? frames.suffix(1) : frames[...]).map(Self.text)
      Output.line(shown.joined(separator: " "))
    }
  }

  /// A frame as text on one line, or what it is.
  static func text(_ frame: [UInt8]) -> String {
    guard let text = String(validating: frame, as: UTF8.self),
      !text.unicodeScalars.contains(where: { $0.value == 0 })
    else { return "<\(frame.count) bytes>" }
    return text.split(whereSeparator: \.isNewline).joined(separator: " ").printable
  }
}
