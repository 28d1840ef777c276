import Generative

/// A cheap detector that stands beside the autoencoder and the RBM: a classical score of one row's inputs, fitted in closed
/// form or in a moment.
///
/// Companions see the same scaled inputs as the models (levels, changes and means over the window), or the levels of the last
/// ``InputPlan/span`` rows; a masked input holds 0, its centre, and adds nothing.
protocol Companion: Sendable {
  var width: Int { get }

  /// The event path: `raw[i]` becomes the strangeness of row `i`, higher is stranger. Nothing is allocated once the space
  /// has grown.
  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace)

  func encode(to writer: inout ByteWriter)
}

/// Working space of the companions, one per shard.
struct CompanionSpace: Sendable {
  /// Rows as a companion takes them.
  var rows: [Float] = []
  /// What products make of them.
  var products: [Float] = []
  /// Per row, its squared length.
  var squares: [Float] = []

  mutating func grow(rows: Int = 0, products: Int = 0, squares: Int = 0) {
    func grow(_ array: inout [Float], _ count: Int) {
      if array.count < count { array.append(contentsOf: repeatElement(0, count: count - array.count)) }
    }
    grow(&self.rows, rows)
    grow(&self.products, products)
    grow(&self.squares, squares)
  }
}

/// The companions by the names that configs, alerts and score files give them.
enum CompanionKind: String, Sendable, CaseIterable {
  /// Mean squared scaled level.
  case robustZ = "robust-z"
  /// Mean squared scaled change.
  case robustChange = "robust-change"
  /// What the leading principal components leave unexplained.
  case residual = "sub-pca"
  /// Mahalanobis distance.
  case covariance
  /// Density of a mixture of axis-parallel normal distributions.
  case mixture
  /// Distance to the nearest of a few centres.
  case kMeans = "k-means"
  /// Distance to the nearest of some remembered rows.
  case neighbours
  /// What the leading principal components of windows leave unexplained.
  case windowResidual = "window-pca"
  /// Distance of a window to the nearest of some remembered windows.
  case windowNeighbours = "window-neighbours"
  /// Error of each level as its own last levels let expect it.
  case autoregression
  /// Distance to what is usual at this time of the day or week.
  case season
  /// How few random cuts set a row apart.
  case forest
  /// How rare each level is by itself.
  case histogram

  /// Whether it takes part on rows with (or without) an order in time.
  ///
  /// Recordings of a process are mostly normal, and what is near to them is normal. Tables without order come with what is
  /// strange mixed in: there companions count that judge by how extreme and how rare a row is, and what remembers
  /// neighbourhoods learns from the rows that these trust (``TrustedRows``). The forest and the histogram in turn add little
  /// to ordered rows.
  func suits(ordered: Bool) -> Bool {
    switch self {
    case .robustZ, .neighbours: true
    case .robustChange, .residual, .covariance, .mixture, .kMeans, .windowResidual,
      .windowNeighbours, .autoregression, .season:
      ordered
    case .forest, .histogram: !ordered
    }
  }

  /// Whether it sees windows of levels in place of inputs.
  var readsWindows: Bool {
    self == .windowResidual || self == .windowNeighbours || self == .autoregression
  }

  /// Whether it takes part when nothing is said: see the table in `Ablation.md`.
  var isUsual: Bool { self != .autoregression }

  /// - Parameters:
  ///   - data: inputs, or windows when it reads these.
  ///   - fields: inputs that are levels; they come first.
  func fit(_ data: DataMatrix, fields: Int, seed: UInt64) throws(FitError) -> any Companion {
    guard data.rows >= 8 else { throw .notEnoughRows(have: data.rows, need: 8) }
    let isOrdered = data.columns > fields
    switch self {
    case .robustZ: return MeanSquare(width: data.columns, first: 0, count: fields)
    case .robustChange:
      return MeanSquare(width: data.columns, first: isOrdered ? fields : 0, count: fields)
    case .residual, .windowResidual: return try PrincipalResidual(fitting: data)
    case .covariance: return try MahalanobisDistance(fitting: data)
    case .mixture: return DiagonalMixture(fitting: data, seed: seed)
    case .kMeans: return NearestPoint(clustering: data, seed: seed)
    case .neighbours, .windowNeighbours: return NearestPoint(remembering: data, seed: seed)
    case .autoregression: return Autoregression(fitting: data, fields: fields)
    case .season: throw .unsuitable("a season is learned from times too")
    case .forest: return IsolationForest(fitting: data, seed: seed)
    case .histogram: return LevelHistogram(fitting: data, fields: fields)
    }
  }

  func member(_ companion: any Companion) -> Member {
    readsWindows ? .windowCompanion(companion) : .companion(companion)
  }

  /// All but ``season``, see ``Member/init(decodingSeason:)``.
  func decode(_ bytes: [UInt8]) throws(DetectionDecodingError) -> any Companion {
    var reader = ByteReader(bytes, section: rawValue)
    try reader.version(1)
    let companion: any Companion
    switch self {
    case .robustZ, .robustChange: companion = try MeanSquare(decoding: &reader)
    case .residual, .windowResidual: companion = try PrincipalResidual(decoding: &reader)
    case .covariance: companion = try MahalanobisDistance(decoding: &reader)
    case .mixture: companion = try DiagonalMixture(decoding: &reader)
    case .kMeans, .neighbours, .windowNeighbours: companion = try NearestPoint(decoding: &reader)
    case .autoregression: companion = try Autoregression(decoding: &reader)
    case .season: throw .invalid(section: rawValue, what: "a season is no companion of inputs alone")
    case .forest: companion = try IsolationForest(decoding: &reader)
    case .histogram: companion = try LevelHistogram(decoding: &reader)
    }
    try reader.end()
    return companion
  }
}

/// One detector of a stream, whatever it is made of.
enum Member: Sendable {
  case model(any TrainedModel)
  /// A member of the suite that sees windows and foretells their last row from those before it.
  case sequence(any SequenceModel)
  case companion(any Companion)
  /// One that sees windows of levels.
  case windowCompanion(any Companion)
  /// What is usual at the time of a row.
  case seasonal(SeasonalDeviation)

  /// Numbers in a row of what it sees.
  var width: Int {
    switch self {
    case .model(let model): model.width
    case .sequence(let model): model.width
    case .companion(let companion), .windowCompanion(let companion): companion.width
    case .seasonal(let season): season.width
    }
  }

  /// The member of the suite that knows rows of inputs; nil for a companion and for who foretells sequences.
  var model: (any TrainedModel)? {
    if case .model(let model) = self { return model }
    return nil
  }

  var readsWindows: Bool {
    switch self {
    case .sequence, .windowCompanion: true
    case .model, .companion, .seasonal: false
    }
  }

  /// Whether it has nothing to say on this stream, and does not count.
  var isSilent: Bool {
    if case .seasonal(let season) = self { return season.isSilent }
    return false
  }

  /// - Parameters:
  ///   - windows: rows of levels; only read by those that see windows.
  ///   - times: of the rows, from `times[first]` on, seconds since 1970; only read by a season.
  @inline(__always)
  func score(
    _ inputs: [Float], windows: [Float], times: [Double], from first: Int, mask: [Float]?, rows: Int,
    into raw: inout [Float],
    scratch: inout Scratch,
    space: inout CompanionSpace
  ) {
    switch self {
    case .model(let model): model.score(inputs, mask: mask, rows: rows, into: &raw, scratch: &scratch)
    case .sequence(let model): model.scoreLastStep(windows, count: rows, into: &raw, scratch: &scratch)
    case .companion(let companion): companion.score(inputs, rows: rows, into: &raw, space: &space)
    case .windowCompanion(let companion): companion.score(windows, rows: rows, into: &raw, space: &space)
    case .seasonal(let season):
      season.score(inputs, mask: mask, times: times, from: first, rows: rows, into: &raw)
    }
  }

  /// The raw scores of all rows: of inputs, or of windows when it sees these. Not for the event path.
  ///
  /// - Parameter times: of the rows; only read by a season.
  func scores(of data: DataMatrix, times: [Double] = []) -> [Float] {
    var scratch = Scratch()
    var space = CompanionSpace()
    var raw: [Float] = []
    raw.reserveCapacity(data.rows)
    // In batches, so that the working space stays small.
    let batch = DetectorWorkspace.batchRows
    var found = [Float](repeating: 0, count: batch)
    for start in stride(from: 0, to: data.rows, by: batch) {
      let count = min(batch, data.rows - start)
      let range = start * data.columns..<(start + count) * data.columns
      let part = Array(data.values[range])
      score(
        part, windows: part, times: times, from: start, mask: data.mask.map { Array($0[range]) }, rows: count,
        into: &found,
        scratch: &scratch, space: &space)
      raw.append(contentsOf: found[..<count])
    }
    return raw
  }

  /// Differences of the raw score much smaller than this mean nothing.
  func leastUnit(typical: Double) -> Double {
    switch self {
    case .model(let model): model.leastUnit(typical: typical)
    case .sequence(let model): model.leastUnit(typical: typical)
    case .companion, .windowCompanion, .seasonal: max(1e-4, 0.01 * abs(typical))
    }
  }

  func encode() -> [UInt8] {
    switch self {
    case .model(let model): return model.encode()
    case .sequence(let model): return model.encode()
    case .companion(let companion), .windowCompanion(let companion):
      var writer = ByteWriter()
      writer.append(UInt32(1))
      companion.encode(to: &writer)
      return writer.bytes
    case .seasonal(let season):
      var writer = ByteWriter()
      writer.append(UInt32(1))
      season.encode(to: &writer)
      return writer.bytes
    }
  }
}

extension Member {
  init(decodingSeason bytes: [UInt8]) throws(DetectionDecodingError) {
    var reader = ByteReader(bytes, section: CompanionKind.season.rawValue)
    try reader.version(1)
    let season = try SeasonalDeviation(decoding: &reader)
    try reader.end()
    self = .seasonal(season)
  }
}
