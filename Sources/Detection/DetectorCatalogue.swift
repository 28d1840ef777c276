import Generative

/// The members of the suite behind the detectors: the one place to go to for another one.
extension DetectorName {
  /// Fits this detector's model on scaled inputs.
  func fit(
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
    }
  }

  func decode(_ bytes: [UInt8]) throws(DetectionDecodingError) -> any TrainedModel {
    do {
      switch self {
      case .autoencoder: return try Autoencoder(decoding: bytes)
      case .rbm: return try GaussianBernoulliRBM(decoding: bytes)
      }
    } catch {
      throw .invalid(section: rawValue, what: "\(error)")
    }
  }

  /// Differences of the raw score much smaller than this mean nothing: a part of its size for squared errors, a fixed one
  /// for nats.
  func leastUnit(typical: Double) -> Double {
    switch self {
    case .autoencoder: max(1e-4, 0.01 * abs(typical))
    case .rbm: 0.01
    }
  }
}
