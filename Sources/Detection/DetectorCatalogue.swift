import Generative

/// The members of the suite behind the detectors: the one place to go to for another one.
extension DetectorName {
  /// Fits this detector on scaled inputs.
  ///
  /// - Parameters:
  ///   - data: inputs, or windows of levels when it reads these.
  ///   - fields: inputs that are levels; they come first.
  func fit(
    _ data: DataMatrix, fields: Int, settings: DetectionSettings, seed: UInt64, shouldStop: () -> Bool
  ) throws(FitError) -> Member {
    if let companion { return companion.member(try companion.fit(data, fields: fields, seed: seed)) }
    return .model(try fitModel(data, settings: settings, seed: seed, shouldStop: shouldStop))
  }

  private func fitModel(
    _ data: DataMatrix, settings: DetectionSettings, seed: UInt64, shouldStop: () -> Bool
  ) throws(FitError) -> any TrainedModel {
    switch self {
    case .autoencoder:
      var chosen = AutoencoderSettings()
      chosen.epochs = settings.autoencoder.epochs
      // Inputs come in usual spreads: what varies less was constant, and must not be magnified when it changes.
      chosen.deviationFloor = 1
      return try Autoencoder.fit(data, settings: chosen, seed: seed, shouldStop: shouldStop)
    case .rbm:
      var chosen = RBMSettings()
      chosen.epochs = settings.rbm.epochs
      chosen.deviationFloor = 1
      chosen.sigmaFloor = 0.4
      chosen.hidden = settings.rbm.hidden
      return try GaussianBernoulliRBM.fit(data, settings: chosen, seed: seed, shouldStop: shouldStop)
    default:
      guard let entry = Catalogue.entry(named: rawValue) else {
        throw .unsuitable("the suite has no model \(rawValue)")
      }
      let records = Records(data, form: RowForm(shape: [data.columns], support: .real))
      let options = FitOptions(seed: seed, epochs: settings.models.epochs)
      return try withoutActuallyEscaping(shouldStop) { stop throws(FitError) in
        try entry.fit(records, options, stop)
      }
    }
  }

  func decode(_ bytes: [UInt8]) throws(DetectionDecodingError) -> Member {
    if companion == .season { return try Member(decodingSeason: bytes) }
    if let companion { return companion.member(try companion.decode(bytes)) }
    return .model(try decodeModel(bytes))
  }

  private func decodeModel(_ bytes: [UInt8]) throws(DetectionDecodingError) -> any TrainedModel {
    let name = self == .rbm ? GaussianBernoulliRBM.catalogueName : rawValue
    guard let entry = Catalogue.entry(named: name) else {
      throw .invalid(section: rawValue, what: "the suite has no model \(name)")
    }
    do {
      return try entry.decode(bytes)
    } catch {
      throw .invalid(section: rawValue, what: "\(error)")
    }
  }
}

extension TrainedModel {
  /// Differences of the raw score much smaller than this mean nothing: a part of its size for squared errors, a fixed one
  /// for nats.
  func leastUnit(typical: Double) -> Double {
    switch scoreUnit {
    case .squaredError: max(1e-4, 0.01 * abs(typical))
    case .nats: 0.01
    }
  }
}
