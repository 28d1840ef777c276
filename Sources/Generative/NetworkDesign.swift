public import Gradients
import Networks
import Tensors

/// Rows on a tape, as a member's formulas see them.
public struct Rows {
  /// `[rows, width]`, prepared: standardised, or between 0 and 1, or bits, as the design wants them.
  public let x: Variable
  /// The class of each row as a number, `[rows]`; nil for a design without classes.
  public let labels: Variable?
  /// 1 where a number was observed and 0 where its usual value stands in, `[rows, width]`; nil when nothing is missing, or when
  /// nobody asks for a loss.
  public let mask: Variable?
  /// Whether dropout drops and running statistics run.
  public let isTraining: Bool

  public init(_ x: Variable, labels: Variable? = nil, mask: Variable? = nil, isTraining: Bool = false) {
    self.x = x
    self.labels = labels
    self.mask = mask
    self.isTraining = isTraining
  }
  public var tape: Tape { x.tape }
  /// How many rows these are.
  public var count: Int { x.shape[0] }
}

extension Variable {
  /// Nothing where a mask is 0: what was not observed does not count.
  func observed(_ mask: Variable?) -> Variable { mask.map { self * $0.withoutGradient() } ?? self }
}

/// What is asked of a sampler.
public struct SampleRequest: Sendable {
  public var count: Int
  public var seed: UInt64
  /// A class for each row; nil for none asked.
  public var labels: [Int]?

  public init(count: Int, seed: UInt64, labels: [Int]? = nil) {
    self.count = count
    self.seed = seed
    self.labels = labels
  }
}

/// A member of the suite that is made of layers: what a paper's section on its model says. What all such members share is written
/// once, in ``NetworkModel`` and `NetworkFit`: preparing rows, training, resuming, scoring in batches, files.
///
/// All functions record on the tape of their rows. Noise comes from the tape.
public protocol NetworkDesign: Sendable {
  associatedtype Settings: ModelSettings
  /// The catalogue's name.
  static var name: String { get }
  static var scoreUnit: ScoreUnit { get }
  /// How it is trained unless somebody chooses otherwise.
  static var training: TrainingSettings { get }

  /// The support that it wants rows in, given how they come.
  static func support(for form: RowForm, _ settings: Settings) -> Support

  /// The layers for prepared rows of this form.
  ///
  /// - Throws: ``FitError/unsuitable(_:)`` for rows it cannot learn, ``FitError/setting(_:)``.
  init(_ settings: Settings, form: RowForm, in scope: inout ParameterScope) throws(FitError)

  /// What training minimises, one number: a mean over the rows.
  func loss(_ rows: Rows) -> Variable

  /// How strange each row is, `[rows]`; without noise, so that the same row gives the same number.
  func strangeness(_ rows: Rows) -> Variable

  /// Prepared rows, `count × width`, drawn from the model; reads its weights from the buffer.
  func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float]
}

extension NetworkDesign {
  /// Whether this design was made for labelled rows.
  static var isConditional: Bool { Self.self is any ConditionalDesign.Type }
}

/// A design that says how probable rows are.
public protocol LikelihoodDesign: NetworkDesign {
  static var likelihoodKind: LikelihoodKind { get }
  /// The same of this design, for rows of its form.
  var likelihoodKind: LikelihoodKind { get }
  /// `log p(x)` of each prepared row or a bound of it, `[rows]`, nats.
  ///
  /// - Parameter samples: draws per row where it is a bound or estimate; noise comes from the tape.
  func logLikelihood(_ rows: Rows, samples: Int) -> Variable
}

extension LikelihoodDesign {
  public var likelihoodKind: LikelihoodKind { Self.likelihoodKind }
  public static var scoreUnit: ScoreUnit { .nats }
  public func strangeness(_ rows: Rows) -> Variable { -logLikelihood(rows, samples: 1) }
  public func loss(_ rows: Rows) -> Variable { -logLikelihood(rows, samples: 1).mean() }
}

/// A design whose log-likelihood is exact and smooth in rows of real numbers: Markov chains can move on it.
public protocol SmoothDesign: LikelihoodDesign {}

/// A design with codes.
public protocol EncodingDesign: NetworkDesign {
  var codeWidth: Int { get }
  /// The code of each row (its mean where it is random), `[rows, codeWidth]`.
  func encode(_ rows: Rows) -> Variable
  /// What codes stand for: the mean of prepared rows, `[rows, width]`.
  func decode(_ codes: Variable, labels: Variable?) -> Variable
}

/// A design that maps rows one to one.
public protocol InvertibleDesign: LikelihoodDesign {
  /// The latent rows and `log |det ∂z/∂x|` of each, `[rows]`.
  func forward(_ rows: Rows) -> (z: Variable, logDeterminant: Variable)
  /// The prepared rows of latent ones, reading the weights from the buffer.
  func inverse(_ z: [Float], count: Int, labels: [Int]?, _ buffer: ParameterBuffer) -> [Float]
}

/// A design that foretells each number of a row from those before it.
public protocol AutoregressiveDesign: LikelihoodDesign {
  var order: [Int] { get }
  /// `log p(x_j | those before)`, `[rows, width]`.
  func conditionals(_ rows: Rows) -> Variable
  /// As `sample`, every number computed from scratch from the whole row.
  func sampleNaively(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float]
}

/// A design that can fill in what is missing.
public protocol InpaintingDesign: NetworkDesign {
  /// Prepared rows, `count × width`, with the entries that the mask does not show drawn given the others.
  func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float]
}

/// A design that is told the class of each row.
public protocol ConditionalDesign: NetworkDesign {}

/// Rows that a network was trained on, prepared.
public struct PreparedRows: Sendable {
  /// `count × width`
  public let values: [Float]
  public let count: Int
  /// The class of each row; nil for a design without classes.
  public let labels: [Int]?
  /// 0 where the usual value stands in for what is missing; nil when nothing is.
  public let mask: [Float]?

  public init(_ values: [Float], count: Int, labels: [Int]? = nil, mask: [Float]? = nil) {
    self.values = values
    self.count = count
    self.labels = labels
    self.mask = mask
  }
}

/// A design that looks over its rows once more when it is trained, and keeps what it finds in its statistics.
public protocol SettlingDesign: NetworkDesign {
  /// Writes to the statistics of the buffer.
  ///
  /// - Parameter rows: from all over those that it was fitted to, at most 8,192.
  func settle(_ rows: PreparedRows, _ buffer: ParameterBuffer)
}

/// A design that can say how it came out.
public protocol InspectableDesign: NetworkDesign {
  func facts(_ parameters: Parameters) -> [(name: String, value: String)]
}
