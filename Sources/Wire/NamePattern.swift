/// A name with placeholders, as in `{topic.1}` or `{measurement}.{key}`.
struct NamePattern: Sendable, Equatable {
  enum Piece: Sendable, Equatable {
    case literal([UInt8])
    case topic
    case topicPart(Int)
    /// A text or number of the payload; the empty name is the measurement of line protocol.
    case label([UInt8])
    case stream
    case source
    case key
  }

  struct Wrong: Error, CustomStringConvertible { let description: String }

  let pieces: [Piece]

  init(_ text: String) throws(Wrong) {
    var pieces: [Piece] = []
    var literal: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "}") { throw Wrong(description: "\"\(text)\" has a } without its {") }
      if byte != UInt8(ascii: "{") {
        literal.append(byte)
        continue
      }
      guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
        throw Wrong(description: "\"\(text)\" has a { without its }")
      }
      if !literal.isEmpty { pieces.append(.literal(literal)) }
      literal = []
      pieces.append(try Self.piece(String(decoding: rest[..<end], as: UTF8.self)))
      rest = rest[(end + 1)...]
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    if pieces.isEmpty { throw Wrong(description: "an empty name") }
    self.pieces = pieces
  }

  private static func piece(_ name: String) throws(Wrong) -> Piece {
    switch name {
    case "topic": return .topic
    case "stream": return .stream
    case "source": return .source
    case "key": return .key
    case "measurement": return .label([])
    default: break
    }
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[1].isEmpty {
      switch parts[0] {
      case "topic": if let index = Int(parts[1]), index >= 0, index < 64 { return .topicPart(index) }
      case "json", "field", "tag": return .label(Array(parts[1].utf8))
      default: break
      }
    }
    throw Wrong(
      description: "{\(name)} is not a placeholder: there are {topic}, {topic.N}, {json.NAME}, {tag.NAME}, "
        + "{measurement}, {stream}, {source} and, in a field's name, {key}")
  }

  var hasKey: Bool { pieces.contains(.key) }

  /// Whether it needs more of the payload than the payload's own stream.
  var usesLabels: Bool {
    pieces.contains { if case .label = $0 { true } else { false } }
  }

  var usesPayload: Bool { usesLabels || pieces.contains(.stream) }

  /// What stands before and after the first `{key}`.
  var aroundKey: (before: [Piece], after: [Piece]) {
    guard let index = pieces.firstIndex(of: .key) else { return (pieces, []) }
    return (Array(pieces[..<index]), Array(pieces[(index + 1)...]))
  }
}
