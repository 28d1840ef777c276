extension Catalogue {
  /// The control group: what every other member has to beat.
  static let references: [Entry] = [
    .immediate(
      Independent.self, family: "references", "independent normal inputs, or coins where rows are bits",
      fit: { (records, _, _) throws(FitError) in try Independent.fit(records) }),
    .reference(
      "maximum likelihood; missing entries by Dempster, Laird & Rubin 1977",
      fit: { (records, settings, options, surroundings) throws(FitError) in
        try Gaussian.fit(records, settings, options, surroundings)
      }),
    .reference(
      "Dempster, Laird & Rubin 1977, Maximum likelihood from incomplete data via the EM algorithm",
      fit: { (records, settings, options, surroundings) throws(FitError) in
        try GaussianMixture.fit(records, settings, options, surroundings)
      }),
    .reference(
      "Bishop 2006, Pattern recognition and machine learning, section 9.3.3",
      fit: { (records, settings, options, surroundings) throws(FitError) in
        try BernoulliMixture.fit(records, settings, options, surroundings)
      }),
    .reference(
      "Chow & Liu 1968, Approximating discrete probability distributions with dependence trees",
      fit: { (records, settings, _, _) throws(FitError) in try ChowLiuTree.fit(records, settings) }),
    .reference(
      "Tipping & Bishop 1999, Probabilistic principal component analysis",
      fit: { (records, settings, _, _) throws(FitError) in try PrincipalComponents.fit(records, settings) }),
    .reference(
      "Witten & Bell 1991, The zero-frequency problem",
      fit: { (records, settings, _, _) throws(FitError) in try NGram.fit(records, settings) }),
  ]
}

extension Catalogue.Entry {
  /// A reference is fitted in one go.
  fileprivate static func reference<Model: ReferenceModel>(
    _ reference: String,
    fit: @escaping @Sendable (Records, Model.Settings, FitOptions, FitSurroundings) throws(FitError) -> Model
  ) -> Catalogue.Entry {
    Catalogue.Entry(
      name: Model.catalogueName, family: "references", capabilities: .of(Model.self), reference: reference,
      settings: Model.Settings().descriptions,
      begin: { (records, options) throws(FitError) in
        var settings = Model.Settings()
        let taken = try settings.take(options.settings)
        if let unknown = options.settings.keys.filter({ !taken.contains($0) }).min() {
          let names = settings.descriptions.map(\.name).joined(separator: ", ")
          throw .setting("there is no setting \(unknown); there are \(names)")
        }
        let chosen = settings
        return ImmediateFit { (surroundings) throws(FitError) in
          guard !surroundings.shouldStop() else { throw .stopped }
          return try fit(records, chosen, options, surroundings)
        }
      },
      decode: { try Model(decoding: $0) })
  }
}
