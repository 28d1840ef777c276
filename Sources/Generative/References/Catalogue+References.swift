extension Catalogue {
  /// The control group: what every other member has to beat.
  static let references: [Entry] = [
    .immediate(
      IndependentGaussian.self, family: "references", "independent normal inputs",
      fit: { (records, _, _) throws(FitError) in try IndependentGaussian.fit(records.matrix) })
  ]
}
