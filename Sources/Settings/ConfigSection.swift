import Yams

/// One section of a config, asked key by key. What is absent leaves the value as it is: the default. What is wrong is
/// reported with its place, and leaves the value as it is, too.
final class ConfigSection {
  let reader: ConfigReader
  let path: String
  private(set) var known: Set<String> = []
  private var nodes: [String: (key: Node, value: Node)] = [:]

  init(reader: ConfigReader, path: String, mapping: Node.Mapping?) {
    self.reader = reader
    self.path = path
    for (key, value) in mapping ?? [:] {
      if case .scalar(let name) = key { nodes[name.string] = (key, value) }
    }
  }

  func node(_ key: String) -> Node? { nodes[key]?.value }
  func keyNode(_ key: String) -> Node? { nodes[key]?.key }

  /// Whether the file or the environment say something about a key.
  func has(_ key: String) -> Bool { reader.lookUp(key, in: self) != nil }

  // MARK: values

  func text(_ key: String, _ value: inout String) {
    scalar(key, "a text", &value) { $0.isEmpty ? nil : $0 }
  }

  /// - Parameters:
  ///   - absence: the word that stands for nil, such as `none` or `auto`.
  func text(_ key: String, _ value: inout String?, absence: String) {
    scalar(key, "a text or `\(absence)`", &value) {
      $0.isEmpty ? nil : $0 == absence ? .some(nil) : .some($0)
    }
  }

  func flag(_ key: String, _ value: inout Bool) {
    scalar(key, "true or false", &value) { ["true": true, "false": false][$0] }
  }

  func integer(_ key: String, _ value: inout Int, _ range: ClosedRange<Int>) {
    scalar(key, Self.expected("a whole number", range), &value) {
      Units.integer($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func integer(_ key: String, _ value: inout Int?, _ range: ClosedRange<Int>, absence: String) {
    scalar(key, Self.expected("a whole number", range) + ", or `\(absence)`", &value) {
      $0 == absence ? .some(nil) : Units.integer($0).flatMap { range.contains($0) ? .some($0) : nil }
    }
  }

  func number(_ key: String, _ value: inout Double, _ range: ClosedRange<Double>) {
    scalar(key, Self.expected("a number", range), &value) {
      Units.number($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func number(_ key: String, _ value: inout Double?, _ range: ClosedRange<Double>, absence: String) {
    scalar(key, Self.expected("a number", range) + ", or `\(absence)`", &value) {
      $0 == absence ? .some(nil) : Units.number($0).flatMap { range.contains($0) ? .some($0) : nil }
    }
  }

  /// A part of a whole: `10%` or `0.1`.
  func share(_ key: String, _ value: inout Double, _ range: ClosedRange<Double>) {
    let bounds = "\(Self.plain(range.lowerBound * 100))% to \(Self.plain(range.upperBound * 100))%"
    scalar(key, "a share such as 10%, \(bounds)", &value) {
      Units.share($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// Seconds, written with a unit: `5s`, `250ms`, `1h30m`.
  func duration(_ key: String, _ value: inout Double, _ range: ClosedRange<Double>) {
    scalar(key, Self.expectedDuration(range), &value) {
      Units.seconds($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func duration(_ key: String, _ value: inout Double?, _ range: ClosedRange<Double>, absence: String) {
    scalar(key, Self.expectedDuration(range) + ", or `\(absence)`", &value) {
      $0 == absence ? .some(nil) : Units.seconds($0).flatMap { range.contains($0) ? .some($0) : nil }
    }
  }

  /// Bytes, with or without a unit: `64MiB`.
  func size(_ key: String, _ value: inout Int, _ range: ClosedRange<Int>) {
    let bounds = "\(Units.text(bytes: range.lowerBound)) to \(Units.text(bytes: range.upperBound))"
    scalar(key, "a size such as 64MiB, \(bounds)", &value) {
      Units.bytes($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// Seconds since 1970, written as `2000-01-01`, `2026-11-22T21:15:00Z` or a number.
  func moment(_ key: String, _ value: inout Double) {
    scalar(key, "a date such as 2000-01-01 or 2026-11-22T21:15:00Z", &value, Units.moment)
  }

  /// One of a few words.
  func choice<T>(_ key: String, _ value: inout T, _ words: [(word: String, value: T)]) {
    let names = words.map(\.word)
    let expected = "one of \(names.joined(separator: ", "))"
    guard let found = single(key, expected) else { return }
    if let choice = words.first(where: { $0.word == found.text }) {
      value = choice.value
    } else {
      wrong(found, expected, NearestName.hint(found.text, among: names))
    }
  }

  /// One of the words of an enumeration.
  func choice<T: RawRepresentable & CaseIterable>(_ key: String, _ value: inout T)
  where T.RawValue == String {
    choice(key, &value, T.allCases.map { ($0.rawValue, $0) })
  }

  /// A list of texts; a single text stands for a list of one. In the environment separated by commas.
  func texts(_ key: String, _ value: inout [String]) {
    guard let found = look(key) else { return }
    if let text = found.text {
      value = text.split(separator: ",").map { $0.trimming { $0 == " " } }
      return
    }
    switch found.node {
    case .scalar(let scalar)?:
      if reader.isEmpty(scalar) { return missing(found) }
      value = [scalar.string]
    case .sequence(let sequence)?:
      var texts: [String] = []
      for node in sequence {
        guard case .scalar(let scalar) = node, !reader.isEmpty(scalar) else {
          reader.report(found.path, "is a list of texts, but holds \(ConfigReader.kind(of: node))", at: node)
          continue
        }
        texts.append(scalar.string)
      }
      value = texts
    case let other?:
      reader.report(
        found.path, "is \(ConfigReader.kind(of: other)), but should be a list of texts", at: other)
    case nil: break
    }
  }

  // MARK: sections below

  func section(_ key: String, _ body: (ConfigSection) -> Void) {
    _ = look(key)
    reader.section(node(key), path: below(key), body)
  }

  /// A list of sections; absent: none.
  func sections(_ key: String, _ body: (ConfigSection) -> Void) {
    guard let found = look(key) else { return }
    switch found.node {
    case .sequence(let sequence)?:
      for (index, node) in sequence.enumerated() {
        reader.section(node, path: "\(below(key))[\(index)]", body)
      }
    case .scalar(let scalar)? where reader.isEmpty(scalar): return
    case let other?:
      reader.report(
        found.path, "is \(ConfigReader.kind(of: other)), but should be a list whose items begin with -",
        at: other)
    case nil: reader.report(found.path, "is a list of sections, which a variable cannot hold")
    }
  }

  /// Reports what is wrong with a key of this section beyond its own value.
  func report(_ key: String, _ message: String) { reader.report(key.isEmpty ? path : below(key), message) }

  // MARK: inside

  private func below(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private func look(_ key: String) -> ConfigValue? {
    known.insert(key)
    return reader.lookUp(key, in: self)
  }

  private func single(_ key: String, _ expected: String) -> (text: String, value: ConfigValue)? {
    guard let found = look(key) else { return nil }
    if let text = found.text { return (text.trimming { $0 == " " }, found) }
    guard case .scalar(let scalar)? = found.node else {
      let kind = found.node.map(ConfigReader.kind) ?? "nothing"
      reader.report(found.path, "is \(kind), but should be \(expected)", at: found.node)
      return nil
    }
    if reader.isEmpty(scalar) {
      missing(found)
      return nil
    }
    return (scalar.string, found)
  }

  func scalar<T>(_ key: String, _ expected: String, _ value: inout T, _ read: (String) -> T?) {
    guard let found = single(key, expected) else { return }
    if let new = read(found.text) { value = new } else { wrong(found, expected, "") }
  }

  private func missing(_ found: ConfigValue) {
    reader.report(found.path, "has no value: give one or leave the key out for its default", at: found.node)
  }

  private func wrong(_ found: (text: String, value: ConfigValue), _ expected: String, _ hint: String) {
    reader.report(
      found.value.path, "is \"\(found.text.prefix(80))\", but should be \(expected)\(hint)",
      at: found.value.node)
  }

  private static func expected(_ what: String, _ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "\(what), at least \(range.lowerBound)" : "\(what), \(range.lowerBound) to \(range.upperBound)"
  }

  private static func expected(_ what: String, _ range: ClosedRange<Double>) -> String {
    range.upperBound.isInfinite || range.upperBound == .greatestFiniteMagnitude
      ? "\(what), at least \(plain(range.lowerBound))"
      : "\(what), \(plain(range.lowerBound)) to \(plain(range.upperBound))"
  }

  private static func expectedDuration(_ range: ClosedRange<Double>) -> String {
    let low = Units.text(seconds: range.lowerBound)
    let bounds =
      range.upperBound.isInfinite || range.upperBound == .greatestFiniteMagnitude
      ? "at least \(low)" : "\(low) to \(Units.text(seconds: range.upperBound))"
    return "a duration with its unit such as 5s, 10m or 2h, \(bounds)"
  }

  private static func plain(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}

extension StringProtocol {
  /// Without what `isPadding` holds for at both ends.
  func trimming(_ isPadding: (Character) -> Bool) -> String {
    var rest = self[...]
    while let first = rest.first, isPadding(first) { rest = rest.dropFirst() }
    while let last = rest.last, isPadding(last) { rest = rest.dropLast() }
    return String(rest)
  }
}
