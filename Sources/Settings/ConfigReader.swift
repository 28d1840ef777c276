import Foundation
import Yams

/// A config file as its nodes, the environment beside it, and everything that was found wrong so far.
///
/// Values are read with the type that the reader of a key declares, from the text as it stands in the file: YAML 1.1
/// would make `no` a truth value, `010` an 8 and `12:30:45` a number.
final class ConfigReader {
  let file: String
  let environment: [String: String]
  private(set) var problems: [ConfigProblem] = []
  /// Every key that was asked for, in order, without indices: `sources[].connect`.
  private(set) var keys: [String] = []
  private var knownKeys: Set<String> = []
  /// Those of them that the file holds.
  private(set) var foundKeys: Set<String> = []
  private var usedVariables: Set<String> = []
  private var unknown: [(section: String, key: String, node: Node)] = []
  /// Where each key stands, by path.
  private var places: [String: Mark] = [:]

  static let prefix = "ANOMALYD_"

  init(file: String, environment: [String: String]) {
    self.file = file
    self.environment = environment
  }

  /// Reads the text; `read` is given the outermost section and asks for what it knows.
  func read(_ text: String, _ body: (ConfigSection) -> Void) {
    var root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      problems.append(problem(error, text))
      return
    }
    section(root, path: "", body)
    settleUnknownKeys()
  }

  // MARK: problems

  /// - Parameters:
  ///   - path: of the key it is about; its place is looked up, or that of the nearest section around it.
  func report(_ path: String, _ message: String, at node: Node? = nil) {
    if let variable = variable(path), usedVariables.contains(variable) {
      problems.append(ConfigProblem(file: "environment", key: variable, message: message))
      return
    }
    var mark = node?.mark
    var around = path[...]
    while mark == nil {
      mark = places[String(around)]
      guard let cut = around.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
      around = around[..<cut]
    }
    problems.append(
      ConfigProblem(file: file, line: mark?.line, column: mark?.column, key: path, message: message))
  }

  /// In the order of the file; those of the environment last.
  var sortedProblems: [ConfigProblem] {
    problems.enumerated().sorted {
      let (a, b) = ($0.element, $1.element)
      return (a.line ?? .max, a.column ?? .max, $0.offset) < (b.line ?? .max, b.column ?? .max, $1.offset)
    }.map(\.element)
  }

  /// Variables that look like ours and set nothing: no error, for service managers and clusters invent such names.
  var unusedVariables: [String] {
    environment.keys.filter { $0.hasPrefix(Self.prefix) && !usedVariables.contains($0) }.sorted()
  }

  // MARK: what sections use

  func section(_ node: Node?, path: String, _ body: (ConfigSection) -> Void) {
    if let node { places[path] = places[path] ?? node.mark }
    var mapping: Node.Mapping?
    switch node {
    case .mapping(let found)?: mapping = found
    case .scalar(let scalar)? where isEmpty(scalar): break
    case nil: break
    case let other?:
      report(path, "is \(Self.kind(of: other)), but should be a section with keys below it", at: other)
    }
    let section = ConfigSection(reader: self, path: path, mapping: mapping)
    body(section)
    for (key, _) in mapping ?? [:] {
      guard case .scalar(let scalar) = key, !section.known.contains(scalar.string) else {
        if case .scalar = key { continue }
        report(path, "a key has to be a name", at: key)
        continue
      }
      unknown.append((path, scalar.string, key))
    }
  }

  /// Remembers that a key exists, and finds what the environment or the file say about it.
  func lookUp(_ key: String, in section: ConfigSection) -> ConfigValue? {
    let path = section.path.isEmpty ? key : "\(section.path).\(key)"
    let general = Self.general(path)
    if knownKeys.insert(general).inserted { keys.append(general) }
    let node = section.node(key)
    if let node {
      places[path] = section.keyNode(key)?.mark ?? node.mark
      foundKeys.insert(general)
    }
    if let variable = variable(path), let text = environment[variable] {
      usedVariables.insert(variable)
      return ConfigValue(path: path, node: nil, text: text)
    }
    return node.map { ConfigValue(path: path, node: $0, text: nil) }
  }

  func isEmpty(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
  }

  static func kind(of node: Node) -> String {
    switch node {
    case .scalar(let scalar): "\"\(scalar.string.prefix(40))\""
    case .mapping: "a section"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  // MARK: inside

  /// `sources[2].connect` becomes `sources[].connect`.
  private static func general(_ path: String) -> String {
    var general = ""
    var isIndex = false
    for character in path {
      if character == "]" { isIndex = false }
      if !isIndex { general.append(character) }
      if character == "[" { isIndex = true }
    }
    return general
  }

  /// `retrain.new_normal` becomes `ANOMALYD_RETRAIN_NEW_NORMAL`.
  private func variable(_ path: String) -> String? {
    if path.isEmpty { return nil }
    let name = path.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return Self.prefix + String(name).replacing("__", with: "_")
  }

  private func settleUnknownKeys() {
    for (section, key, node) in unknown {
      let prefix = section.isEmpty ? "" : "\(Self.general(section))."
      let siblings = keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        .map { String($0.prefix { $0 != "." && $0 != "[" }) }
      var hint = NearestName.hint(key, among: siblings)
      if hint.isEmpty {
        // The right name in the wrong section.
        let elsewhere = keys.filter { $0.hasSuffix(".\(key)") || $0 == key }
        if !elsewhere.isEmpty {
          hint = " here (did you mean \(elsewhere.prefix(3).joined(separator: " or "))?)"
        }
      }
      if hint.isEmpty {
        var seen: Set<String> = []
        let names = siblings.filter { seen.insert($0).inserted }
        hint = names.isEmpty ? "" : " here; there are \(names.joined(separator: ", "))"
      }
      let shown = String(key.prefix(80))
      report(section.isEmpty ? shown : "\(section).\(shown)", "no such key\(hint)", at: node)
    }
  }

  private func problem(_ error: any Error, _ text: String) -> ConfigProblem {
    func at(_ mark: Mark, _ message: String) -> ConfigProblem {
      ConfigProblem(file: file, line: mark.line, column: mark.column, key: "", message: message)
    }
    switch error {
    case YamlError.scanner(let context, let problem, let mark, _),
      YamlError.parser(let context, let problem, let mark, _),
      YamlError.composer(let context, let problem, let mark, _):
      return at(mark, "not YAML: \([context?.text, problem].compactMap(\.self).joined(separator: ", "))")
    case YamlError.duplicatedKeysInMapping(let duplicates, let context):
      return at(context.mark, "the same key twice in one section: \(duplicates.joined(separator: ", "))")
    case YamlError.reader(let problem, let offset, _, _):
      let before = text.utf8.prefix(offset ?? 0)
      let line = before.count { $0 == UInt8(ascii: "\n") } + 1
      return ConfigProblem(file: file, line: line, key: "", message: "not YAML: \(problem)")
    default: return ConfigProblem(file: file, key: "", message: "not YAML: \(error)")
    }
  }
}

/// What was found for a key: a node of the file, or a text of the environment.
struct ConfigValue {
  var path: String
  var node: Node?
  var text: String?
}
