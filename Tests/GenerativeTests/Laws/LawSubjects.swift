import Synchronization
import Tensors
import Testing

@testable import Generative

/// Small rows of each form: enough to break a law, not more.
enum LawForm: String, CaseIterable, Sendable {
  /// Nine bits of four causes: copies, and one exclusive or.
  case bits
  /// The same as a picture of 3 × 3.
  case bitPicture
  /// Four numbers of two causes with noise.
  case reals
  /// Waves of grey, 8 × 8.
  case greyPicture
  /// Six steps of two oscillating features.
  case sequence

  var shape: [Int] {
    switch self {
    case .bits: [9]
    case .bitPicture: [3, 3]
    case .reals: [4]
    case .greyPicture: [8, 8]
    case .sequence: [6, 2]
    }
  }
  var isBinary: Bool { self == .bits || self == .bitPicture }
  var width: Int { shape.reduce(1, *) }

  /// - Parameters:
  ///   - noise: the share of bits that are turned over, or the deviation of what is added to numbers.
  ///   - classes: 0 for rows without labels.
  func records(_ count: Int, seed: UInt64, noise: Float = 0.05, classes: Int = 0) -> Records {
    var random = RandomStream(seed: seed, stream: 31)
    var values: [Float] = []
    for row in 0..<count {
      switch self {
      case .bits, .bitPicture:
        // Sixteen rows are all the causes there are.
        let cause = count == 16 ? row : random.below(16)
        for bit in Self.bits(of: cause) { values.append(random.bernoulli(noise) ? 1 - bit : bit) }
      case .reals:
        let (a, b) = (random.normal(), random.normal())
        let pure = [a + 3, 0.5 * a + b, b - a, 0.3 * a + 0.3 * b - 2]
        for value in pure { values.append(value + 4 * noise * random.normal()) }
      case .greyPicture:
        let (across, down) = (random.uniform(), random.uniform())
        for y in 0..<8 {
          for x in 0..<8 {
            let wave = 0.5 * (Float(x) * across + Float(y) * down) / 8 + 0.2 + noise * random.uniform()
            values.append(min(1, max(0, wave)))
          }
        }
      case .sequence:
        var (a, b) = (random.normal(), random.normal())
        for _ in 0..<6 {
          (a, b) = (0.8 * a - 0.6 * b, 0.6 * a + 0.8 * b)
          values += [a + noise * random.normal(), b + noise * random.normal()]
        }
      }
    }
    let support: Support = isBinary ? .binary : self == .greyPicture ? .unit : .real
    return Records(
      DataMatrix(rows: count, columns: width, values: values),
      form: RowForm(shape: shape, support: support, classes: classes),
      labels: classes == 0 ? nil : (0..<count).map { $0 % classes })
  }

  private static func bits(of cause: Int) -> [Float] {
    let c = (0..<4).map { Float(cause >> $0 & 1) }
    return c + [c[0], c[1], c[0] == c[1] ? 0 : 1, c[2], c[3]]
  }
}

/// What the laws know of a member by its name.
extension Catalogue.Entry {
  /// Members whose rows are bits by nature.
  private static let binary: Set<String> = [
    "boltzmann-machine", "rbm", "dbn", "dbm", "made", "nade", "bernoulli-mixture", "chow-liu", "ngram",
  ]

  private var isOfPictures: Bool { name.hasPrefix("pixel") || name.hasPrefix("convolutional") }

  /// The form that it is made for.
  var naturalForm: LawForm {
    if name.hasPrefix("pixel") { return .bitPicture }
    if name.hasPrefix("convolutional") { return .greyPicture }
    if name.hasPrefix("recurrent") || family == "sequences" { return .sequence }
    return Self.binary.contains(name) ? .bits : .reals
  }

  /// Bits as it likes them.
  var binaryForm: LawForm { isOfPictures ? .bitPicture : .bits }

  /// Sizes that make a member small, by the names that settings have.
  private static let smallSizes = [
    "hidden": "12", "units": "12", "channels": "4", "features": "4", "filters": "4", "components": "3",
    "bins": "4", "batch": "32", "layers": "2",
  ]

  /// What else keeps a member small or quick, by its name.
  private static let small: [String: [String: String]] = [
    "boltzmann-machine": ["hidden": "6"],
    // As many as it has by itself for the longest of these rows: the state of fewer holds not all of what it read.
    "recurrent-autoencoder": ["hidden": "32"],
  ]

  /// What lets a member learn sixteen rows by heart: no noise and no penalty.
  private static let eager: [String: [String: String]] = [
    "autoencoder": ["corruption": "0"], "beta-vae": ["beta": "1"],
    "gaussian-mixture": ["components": "1"], "bernoulli-mixture": ["components": "16", "pseudoCount": "0.1"],
    "ngram": ["order": "8"],
    // Plain gradient descent takes longer steps; with few units log Z is exact.
    "boltzmann-machine": ["rate": "0.05"], "rbm": ["rate": "0.3"],
    "dbn": ["rate": "0.3", "hidden": "12"], "dbm": ["rate": "0.3", "hidden": "12"],
  ]

  /// - Parameter more: settings that are taken where the member has them.
  private func options(_ epochs: Int, _ more: [String: String], _ own: [String: String]) -> FitOptions {
    let names = Set(settings.map(\.name))
    let known = Self.smallSizes.merging(more) { $1 }.filter { names.contains($0.key) }
    return FitOptions(seed: 3, settings: known.merging(own) { $1 }, epochs: epochs)
  }

  /// A short fit of a small member: 120 steps where there are steps.
  var smallOptions: FitOptions { options(30, [:], Self.small[name] ?? [:]) }

  /// A fit that goes on until sixteen rows are known by heart.
  var eagerOptions: FitOptions {
    let training = ["heldOut": "0", "patience": "0", "rate": "0.01", "batch": "16", "hidden": "48"]
    let own = (Self.small[name] ?? [:]).merging(Self.eager[name] ?? [:]) { $1 }
    return options(800, training, own)
  }

  func lawRecords(_ form: LawForm, _ count: Int = 128, seed: UInt64 = 1) -> Records {
    form.records(count, seed: seed, classes: capabilities.contains(.conditional) ? 2 : 0)
  }

  /// Fitted small to rows of a form, once for all laws; nil when it cannot learn such rows.
  func small(on form: LawForm) throws -> (any TrainedModel)? {
    try SharedFits.of("\(name) small on \(form.rawValue)").model {
      try fitUnlessUnsuitable(lawRecords(form), smallOptions)
    }
  }

  /// Nil for rows of a form that it cannot learn.
  func fitUnlessUnsuitable(_ records: Records, _ options: FitOptions) throws -> (any TrainedModel)? {
    do {
      return try fit(records, options)
    } catch {
      guard case .unsuitable = error else { throw error }
      return nil
    }
  }
}

/// Models that tests share.
final class SharedFits: Sendable {
  private static let all = Mutex<[String: SharedFits]>([:])
  private let result = Mutex<Result<(any TrainedModel)?, any Error>?>(nil)

  static func of(_ key: String) -> SharedFits {
    all.withLock { fits in
      let fit = fits[key] ?? SharedFits()
      fits[key] = fit
      return fit
    }
  }

  /// Others who ask for the same model wait.
  func model(_ fit: () throws -> sending (any TrainedModel)?) throws -> (any TrainedModel)? {
    try result.withLock { result in
      if let result { return try result.get() }
      let new = Result { try fit() }
      result = new
      return try new.get()
    }
  }
}

/// A model that prepares its rows.
protocol PreparingModel: TrainedModel {
  var preparation: Preparation { get }
}
extension NetworkModel: PreparingModel {}
extension Gaussian: PreparingModel {}
extension GaussianMixture: PreparingModel {}
extension PrincipalComponents: PreparingModel {}

extension LikelihoodModel {
  /// Whether its likelihoods of bits are probabilities of these, not densities at them.
  var countsBits: Bool {
    if self is GaussianBernoulliRBM { return false }
    guard let preparing = self as? any PreparingModel else { return true }
    return preparing.preparation.form.support != .real
  }
}
