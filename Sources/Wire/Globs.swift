/// Patterns in which `*` stands for any bytes, also none, and `?` for one.
public struct Globs: Sendable, Equatable {
  private let patterns: [[UInt8]]

  public init(_ patterns: [String]) { self.patterns = patterns.map { Array($0.utf8) } }

  public var isEmpty: Bool { patterns.isEmpty }

  /// Whether one of them matches all of the name.
  public func matches(_ name: Span<UInt8>) -> Bool {
    for pattern in patterns where Self.matches(pattern.span, name) { return true }
    return false
  }

  public func matches(_ name: String) -> Bool { matches(Array(name.utf8).span) }

  // Goes back only to the latest star, so that the time is the product of the lengths at most.
  private static func matches(_ pattern: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
    var (p, n, star, mark) = (0, 0, -1, 0)
    while n < name.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = p
        mark = n
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
        p += 1
        n += 1
      } else if star >= 0 {
        p = star + 1
        mark += 1
        n = mark
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.count
  }
}
