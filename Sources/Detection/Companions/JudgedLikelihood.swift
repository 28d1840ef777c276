import Generative

/// How a row's likelihood becomes its strangeness, besides by being small.
///
/// A deep model's likelihood can be greater for rows from elsewhere than for those it was fitted to (Nalisnick, Matsukawa, Teh, Gorur &
/// Lakshminarayanan 2019, "Do deep generative models know what they don't know?"): where everything is quieter than usual, or
/// where most inputs say nothing of what matters.
enum LikelihoodJudgement: String, Sendable, CaseIterable {
  /// How far −ln p is from what it usually is, nats: too probable is strange as well (Nalisnick, Matsukawa, Teh & Lakshminarayanan
  /// 2019, "Detecting out-of-distribution inputs to deep generative models using typicality", for a batch of one).
  case typicality
  /// By how much a background model, fitted to rows whose inputs were exchanged between rows here and there, finds the row more
  /// probable, nats: what both find strange says nothing (Ren et al. 2019, "Likelihood ratios for out-of-distribution
  /// detection", equation 3).
  case likelihoodRatio = "likelihood-ratio"
}

/// A member of the suite whose likelihood is judged: everything else of it is the member's own.
struct JudgedLikelihood: TrainedModel {
  static let catalogueName = "judged-likelihood"

  private enum Reference: Sendable {
    /// The mean of −ln p over rows that the member was not fitted to.
    case entropy(Float)
    case background(any TrainedModel)
  }

  /// The member's name in the catalogue.
  private let name: String
  private let model: any TrainedModel
  private let reference: Reference

  /// Share of the entries that are exchanged for the background, as in the paper.
  static let exchanged = 0.2
  /// Of so many rows one is not fitted to.
  private static let apart = 5

  /// - Parameter fit: how the member is fitted to rows with a seed.
  init(
    _ judgement: LikelihoodJudgement, of entry: Catalogue.Entry, _ data: DataMatrix, seed: UInt64,
    fit: (DataMatrix, UInt64) throws(FitError) -> any TrainedModel
  ) throws(FitError) {
    name = entry.name
    switch judgement {
    case .typicality:
      guard data.rows >= 4 * Self.apart else {
        throw .notEnoughRows(have: data.rows, need: 4 * Self.apart)
      }
      let fitted = try fit(data.rows { $0 % Self.apart != 0 }, seed)
      let others = Member.model(fitted).scores(of: data.rows { $0 % Self.apart == 0 })
      model = fitted
      reference = .entropy(others.reduce(0, +) / Float(others.count))
    case .likelihoodRatio:
      model = try fit(data, seed)
      reference = .background(
        try fit(data.exchanging(share: Self.exchanged, seed: seed &+ 1), seed &+ 2))
    }
    guard model.scoreUnit == .nats else {
      throw .unsuitable("\(name) is not scored by its likelihood")
    }
  }

  var scoreUnit: ScoreUnit { .nats }
  var width: Int { model.width }

  func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    model.score(inputs, mask: mask, rows: rows, into: &raw, scratch: &scratch)
    switch reference {
    case .entropy(let usual):
      for row in 0..<rows { raw[row] = abs(raw[row] - usual) }
    case .background(let background):
      // Taken out for as long as the models need the rest; it grows once.
      var other: [Float] = []
      swap(&other, &scratch.second)
      if other.count < rows { other = [Float](repeating: 0, count: rows) }
      background.score(inputs, mask: mask, rows: rows, into: &other, scratch: &scratch)
      for row in 0..<rows { raw[row] -= other[row] }
      swap(&other, &scratch.second)
    }
  }

  func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    model.expectation(of: input, mask: mask)
  }

  func sample(count: Int, seed: UInt64) -> [Float] { model.sample(count: count, seed: seed) }

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt32(1))
    writer.append(name)
    writer.append(bytes: model.encode())
    switch reference {
    case .entropy(let usual):
      writer.append(true)
      writer.append(usual)
    case .background(let background):
      writer.append(false)
      writer.append(bytes: background.encode())
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws {
    var reader = ByteReader(bytes, section: Self.catalogueName)
    try reader.version(1)
    name = try reader.string()
    guard let entry = Catalogue.entry(named: name) else {
      throw DetectionDecodingError.invalid(
        section: Self.catalogueName, what: "the suite has no model \(name)")
    }
    model = try entry.decode(try reader.byteString())
    if try reader.bool() {
      reference = .entropy(try reader.finiteFloat())
    } else {
      let background = try entry.decode(try reader.byteString())
      guard background.width == model.width else {
        throw DetectionDecodingError.invalid(
          section: Self.catalogueName,
          what: "a background of \(background.width) inputs in place of \(model.width)"
        )
      }
      reference = .background(background)
    }
    try reader.end()
  }
}

extension DataMatrix {
  /// The rows whose index is wanted.
  fileprivate func rows(_ isWanted: (Int) -> Bool) -> DataMatrix {
    let kept = (0..<rows).filter(isWanted)
    func part(_ all: [Float]) -> [Float] {
      kept.flatMap { all[$0 * columns..<($0 + 1) * columns] }
    }
    return DataMatrix(rows: kept.count, columns: columns, values: part(values), mask: mask.map(part))
  }
}
