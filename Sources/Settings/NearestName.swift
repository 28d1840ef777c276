/// Finds what somebody who mistyped a name may have meant.
enum NearestName {
  /// The nearest of `names`, or nil when none is near: at most a third of the letters may be wrong.
  static func of(_ name: String, among names: some Sequence<String>) -> String? {
    let wanted = plain(name)
    var best: (name: String, distance: Int)?
    for candidate in names {
      let other = plain(candidate)
      let distance = distance(wanted, other)
      let allowed = max(1, min(wanted.count, other.count) / 3)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// ` (did you mean every?)`, or nothing.
  static func hint(_ name: String, among names: some Sequence<String>) -> String {
    of(name, among: names).map { " (did you mean \($0)?)" } ?? ""
  }

  /// Case and separators are no mistake to speak of.
  private static func plain(_ name: String) -> [Character] {
    name.prefix(64).lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " && $0 != "." }
  }

  /// Insertions, deletions, substitutions and swaps of neighbours. Source: Damerau, "A technique for computer detection
  /// and correction of spelling errors", 1964, in the form that edits no letter twice.
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
