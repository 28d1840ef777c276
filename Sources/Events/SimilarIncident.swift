/// An earlier incident that was explained alike, and what people said of it.
public struct SimilarIncident: Sendable, Codable, Equatable {
  public var id: String
  /// Event time at which it began, seconds since 1970.
  public var onset: Double
  /// The cosine between what explained the two: 1 is the same features in the same measure.
  public var likeness: Double
  /// `true`, `expected`, `false-alarm` or `new-normal`; nil when nobody said.
  public var label: String?
  /// In a person's words; nil when nobody gave one.
  public var cause: String?
  public init(id: String, onset: Double, likeness: Double, label: String? = nil, cause: String? = nil) {
    self.id = id
    self.onset = onset
    self.likeness = likeness
    self.label = label
    self.cause = cause
  }
}
