public import Tensors

/// Rows to learn from or to score: `rows × columns`, row-major, already scaled; a masked entry holds 0.
public struct DataMatrix: Sendable, Equatable {
  public var rows: Int
  public var columns: Int
  public var values: [Float]
  /// 1 where the entry was observed, 0 where it is missing; nil when nothing is missing.
  public var mask: [Float]?

  public init(rows: Int, columns: Int, values: [Float], mask: [Float]? = nil) {
    precondition(values.count == rows * columns, "values hold \(values.count), not \(rows) × \(columns)")
    precondition(mask == nil || mask?.count == values.count, "the mask is not of the shape of the values")
    self.rows = rows
    self.columns = columns
    self.values = values
    self.mask = mask
  }
}

/// What the number a model gives a row means; higher is stranger for all of them.
public enum ScoreUnit: String, Sendable, Codable {
  /// Mean squared error over the observed inputs.
  case squaredError = "squared error"
  /// Free energy or negative log-likelihood in nats; for free energy up to a constant of the model.
  case nats
}

/// What a model would have expected of one row, given the rest of it.
public struct Expectation: Sendable, Equatable {
  /// Per input, in scaled units.
  public var expected: [Float]
  /// Per input: the usual absolute deviation from `expected` (one standard deviation on training data).
  public var spread: [Float]
  /// Per input: its part in the raw score above what is usual; never negative.
  public var contribution: [Float]
  public init(expected: [Float], spread: [Float], contribution: [Float]) {
    self.expected = expected
    self.spread = spread
    self.contribution = contribution
  }
}

/// A fitted member of the suite: an immutable value that scores, explains, samples and can be written down.
public protocol TrainedModel: Sendable {
  /// The catalogue's name, for instance `gaussian-rbm`.
  static var catalogueName: String { get }
  var scoreUnit: ScoreUnit { get }
  /// Inputs per row.
  var width: Int { get }

  /// The event path: `raw[i]` becomes the strangeness of row `i`.
  ///
  /// - Parameters:
  ///   - inputs: at least `rows × width` numbers, row-major; masked entries hold 0.
  ///   - mask: of the same shape, or nil when nothing is missing.
  ///   - scratch: working space that grows on first use and is then reused: no allocation after that.
  func score(_ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch)

  /// What the model expected of one row (`width` numbers). Not for the event path.
  func expectation(of input: [Float], mask: [Float]?) -> Expectation

  /// `count × width` numbers drawn from what the model believes normal is; the same seed gives the same bits.
  func sample(count: Int, seed: UInt64) -> [Float]

  /// The whole model as bytes (safetensors), read back bit-identical by ``init(decoding:)``.
  func encode() -> [UInt8]
  init(decoding bytes: [UInt8]) throws
}

/// Why a fit did not give a model.
public enum FitError: Error, Sendable, Equatable, CustomStringConvertible {
  case notEnoughRows(have: Int, need: Int)
  /// An entry of the training rows that is not masked is NaN or infinite.
  case notFinite(row: Int, column: Int)
  /// A loss or weight became NaN or infinite at this step; nothing of it is kept.
  case diverged(step: Int)
  /// `shouldStop` said so before a usable model existed.
  case stopped
  /// The rows are not of a form that this member can learn; says what it needs.
  case unsuitable(String)
  /// A setting that does not exist or cannot be; says what can.
  case setting(String)

  public var description: String {
    switch self {
    case .notEnoughRows(let have, let need): "\(have) rows are too few to learn from: \(need) are needed"
    case .notFinite(let row, let column):
      "row \(row) holds no finite number in column \(column): mask what is missing"
    case .diverged(let step): "the loss was no longer a finite number at step \(step)"
    case .stopped: "training was stopped before there was a usable model"
    case .unsuitable(let what), .setting(let what): what
    }
  }
}

/// Reusable working space of the event path, owned by one shard and lent to every model in turn. Stays on its thread.
public struct Scratch {
  /// Grows to what the widest model needs for 64 rows.
  public var arena = Arena()
  /// Networks compiled for the models that were scored lately.
  var plans = PlanCache()
  /// For models that compute row by row.
  var space = WorkingSpace()
  /// For who compares the scores of two models.
  public var second: [Float] = []
  public init() {}
}

/// Arrays that grow on first use and are then written over.
struct WorkingSpace {
  /// Prepared rows, and what a product makes of them.
  var rows: [Float] = []
  var products: [Float] = []
  /// A number per row.
  var results: [Double] = []
  var numbers: [Double] = []
  var indices: [Int] = []

  mutating func grow(rows: Int = 0, products: Int = 0, results: Int = 0, numbers: Int = 0, indices: Int = 0) {
    func grow<Number: Numeric>(_ array: inout [Number], _ count: Int) {
      if array.count < count { array.append(contentsOf: repeatElement(0, count: count - array.count)) }
    }
    grow(&self.rows, rows)
    grow(&self.products, products)
    grow(&self.results, results)
    grow(&self.numbers, numbers)
    grow(&self.indices, indices)
  }
}
