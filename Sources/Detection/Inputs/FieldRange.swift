/// What is usual for one field, in its own unit: for status pages.
public struct FieldRange: Sendable, Equatable {
  public var name: String
  /// The median.
  public var center: Double
  /// The usual spread (one standard deviation, if it were Gaussian).
  public var scale: Double
  public var low: Double { center - 3 * scale }
  public var high: Double { center + 3 * scale }
}

extension StreamModel {
  /// Of each of ``fields``.
  public var ranges: [FieldRange] {
    fields.indices.map {
      FieldRange(
        name: fields[$0], center: Double(contents.plan.centres[$0]),
        scale: 1 / Double(contents.plan.inverses[$0]))
    }
  }
}
