public import Events

/// How alike two incidents are: the cosine of the angle between what explained them.
///
/// Each is a vector over the features, of their shares in the score, negative where the value was too low; a missing value is a
/// feature of its own. Incidents of different kinds are not alike at all.
public enum Likeness {
  /// From here on the one is said to resemble the other.
  public static let bar = 0.9

  /// -1…1; 0 for different kinds, or where nothing was explained.
  public static func of(_ one: Alert, _ other: Alert) -> Double {
    guard one.kind == other.kind else { return 0 }
    let (a, b) = (parts(one), parts(other))
    let product = a.reduce(0.0) { $0 + $1.value * (b[$1.key] ?? 0) }
    let size = length(a) * length(b)
    return size > 0 ? max(-1, min(1, product / size)) : 0
  }

  private static func parts(_ alert: Alert) -> [String: Double] {
    var parts: [String: Double] = [:]
    for feature in alert.features where feature.share.isFinite {
      // A name holds no line break: nothing else is called so.
      let name = feature.value == nil ? feature.name + "\nmissing" : feature.name
      let isLow = feature.value.map { $0 < feature.expected } ?? false
      parts[name, default: 0] += isLow ? -feature.share : feature.share
    }
    return parts
  }

  private static func length(_ parts: [String: Double]) -> Double {
    parts.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
