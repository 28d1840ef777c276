/// How text may look: with colour on a terminal, plain elsewhere.
public struct TextStyle: Sendable, Equatable {
  /// What a piece of text means to say by its look.
  public enum Tone: Sendable { case plain, strong, faint, good, notice, bad }

  public var isColoured: Bool
  public init(isColoured: Bool) { self.isColoured = isColoured }

  /// The text in this tone: as it is where there is no colour.
  public func callAsFunction(_ tone: Tone, _ text: String) -> String {
    guard isColoured, !text.isEmpty else { return text }
    let code =
      switch tone {
      case .plain: ""
      case .strong: "1"
      case .faint: "2"
      case .good: "32"
      case .notice: "33"
      case .bad: "31;1"
      }
    return code.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

/// Rows of cells as aligned columns for a person to read.
public struct TextTable: Sendable {
  /// At which edge of its column a cell stands.
  public enum Alignment: Sendable { case left, right }

  /// What stands above the cells, and where they align.
  public struct Column: Sendable {
    public var title: String
    public var alignment: Alignment
    public init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  /// A text with its look; control characters in it are made visible.
  public struct Cell: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public var text: String
    public var tone: TextStyle.Tone
    public init(_ text: String, _ tone: TextStyle.Tone = .plain) {
      // A name may hold anything; a control character must not reach the terminal.
      self.text = text.printable
      self.tone = tone
    }
    public init(stringLiteral value: String) { self.init(value) }
  }

  private let columns: [Column]
  private var rows: [[Cell]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  public var isEmpty: Bool { rows.isEmpty }

  public mutating func append(_ cells: [Cell]) {
    precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
    rows.append(cells)
  }

  /// The table with its titles, two spaces between columns, a line break after every row.
  public func rendered(_ style: TextStyle) -> String {
    let widths = columns.indices.map { column in
      max(columns[column].title.count, rows.map { $0[column].text.count }.max() ?? 0)
    }
    func line(_ cells: [Cell]) -> String {
      var line = ""
      for (column, cell) in cells.enumerated() {
        if column > 0 { line += "  " }
        let room = String(repeating: " ", count: widths[column] - cell.text.count)
        let text = style(cell.tone, cell.text)
        let isLast = column == cells.count - 1
        line += columns[column].alignment == .right ? room + text : isLast ? text : text + room
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line + "\n"
    }
    return line(columns.map { Cell($0.title, .strong) }) + rows.map(line).joined()
  }
}

extension String {
  /// Without control characters, each replaced by `�`.
  public var printable: String {
    guard unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
      return self
    }
    return String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0 }))
  }
}
