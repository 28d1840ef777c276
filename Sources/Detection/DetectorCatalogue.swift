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
    if foretells { return try fitSequence(data, fields, settings, seed, shouldStop) }
    return .model(try fitModel(data, settings: settings, seed: seed, shouldStop: shouldStop))
  }

  /// Windows that a sequence model learns from at most: each is learned step by step.
  private static let mostWindows = 2048

  /// On windows, rows of `fields` levels each; evenly chosen ones where there are very many.
  private func fitSequence(
    _ data: DataMatrix, _ fields: Int, _ settings: DetectionSettings, _ seed: UInt64,
    _ shouldStop: () -> Bool
  ) throws(FitError) -> Member {
    guard let entry = Catalogue.entry(named: rawValue) else {
      throw .unsuitable("the suite has no model \(rawValue)")
    }
    let width = data.columns
    let count = min(data.rows, Self.mostWindows)
    var values: [Float] = []
    values.reserveCapacity(count * width)
    for index in 0..<count {
      let row = index * data.rows / count
      values.append(contentsOf: data.values[row * width..<(row + 1) * width])
    }
    let records = Records(
      DataMatrix(rows: count, columns: width, values: values),
      form: RowForm(shape: [width / fields, fields], support: .real))
    let options = FitOptions(seed: seed, epochs: settings.models.epochs)
    let model = try withoutActuallyEscaping(shouldStop) { stop throws(FitError) in
      try entry.fit(records, options, stop)
    }
    guard let model = model as? any SequenceModel else {
      throw .unsuitable("\(rawValue) does not foretell sequences")
    }
    return .sequence(model)
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
      let judged = judged
      guard let entry = judged?.member ?? Catalogue.entry(named: rawValue) else {
        throw .unsuitable("the suite has no model \(rawValue)")
      }
      func fit(_ data: DataMatrix, _ seed: UInt64) throws(FitError) -> any TrainedModel {
        let records = Records(data, form: RowForm(shape: [data.columns], support: .real))
        let options = FitOptions(seed: seed, epochs: settings.models.epochs)
        return try withoutActuallyEscaping(shouldStop) { stop throws(FitError) in
          try entry.fit(records, options, stop)
        }
      }
      guard let judged else { return try fit(data, seed) }
      return try JudgedLikelihood(judged.by, of: entry, data, seed: seed, fit: fit)
    }
  }

  func decode(_ bytes: [UInt8]) throws(DetectionDecodingError) -> Member {
    if companion == .season { return try Member(decodingSeason: bytes) }
    if let companion { return companion.member(try companion.decode(bytes)) }
    let model = try decodeModel(bytes)
    if foretells, let model = model as? any SequenceModel { return .sequence(model) }
    return .model(model)
  }

  private func decodeModel(_ bytes: [UInt8]) throws(DetectionDecodingError) -> any TrainedModel {
    if judged != nil {
      do {
        return try JudgedLikelihood(decoding: bytes)
      } catch {
        throw .invalid(section: rawValue, what: "\(error)")
      }
    }
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
