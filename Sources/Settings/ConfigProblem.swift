/// One mistake in a config, with where it stands and what would be right.
public struct ConfigProblem: Sendable, Equatable, CustomStringConvertible {
  /// The file, or `environment`.
  public var file: String
  /// From 1; nil where there is no place in the file (an environment variable, an unreadable file).
  public var line: Int?
  public var column: Int?
  /// As in `retrain.every` or `sources[1].connect`; empty for the file as a whole.
  public var key: String
  public var message: String

  public init(file: String, line: Int? = nil, column: Int? = nil, key: String, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.key = key
    self.message = message
  }

  /// `anomalyd.yaml:12:5: retrain.evry: no such key (did you mean every?)`.
  public var description: String {
    let place = [line, column].compactMap { $0.map { ":\($0)" } }.joined()
    return "\(file)\(place): \(key.isEmpty ? "" : "\(key): ")\(message)"
  }
}

/// Everything that is wrong with a config, found in one run; in the order of the file.
public struct ConfigError: Error, Sendable, Equatable, CustomStringConvertible {
  public var problems: [ConfigProblem]

  public init(problems: [ConfigProblem]) { self.problems = problems }

  /// A line each.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
