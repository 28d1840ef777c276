public import Gradients

/// What a number called log-likelihood is.
public enum LikelihoodKind: String, Sendable, Codable {
  case exact
  /// The true one is at least this.
  case lowerBound = "lower_bound"
  /// Random, with an error of either sign.
  case estimate
}

/// A member that says how probable rows are.
public protocol LikelihoodModel: TrainedModel {
  var likelihoodKind: LikelihoodKind { get }
  /// The log-likelihood of each row, nats; a density in the units of the rows as they were given where these are real numbers.
  ///
  /// - Parameters:
  ///   - rows: of the form it was fitted to; missing entries count as their usual value.
  ///   - samples: draws per row where the figure is a bound or an estimate; more are closer.
  func logLikelihoods(_ rows: Records, samples: Int, seed: UInt64) -> [Double]
}

/// A member whose rows have codes, and whose codes stand for rows.
public protocol EncodingModel: TrainedModel {
  /// Numbers in a code.
  var codeWidth: Int { get }
  /// `rows × codeWidth`
  func codes(of rows: Records) -> [Float]
  /// The rows, `count × width`, that codes stand for; `labels` where the member is conditional.
  func decode(codes: [Float], count: Int, labels: [Int]?) -> [Float]
}

/// A member that gives rows back as it understood them.
public protocol ReconstructingModel: TrainedModel {
  /// `rows × width`; missing entries are filled in.
  func reconstruct(_ rows: Records) -> [Float]
}

/// A member that fills in what is missing, as one of the ways it could have been.
public protocol InpaintingModel: TrainedModel {
  /// `rows × width`: entries that the mask shows are kept, the others drawn given these.
  func inpaint(_ rows: Records, seed: UInt64) -> [Float]
}

/// A member that draws rows of a class.
public protocol ConditionalModel: TrainedModel {
  /// Classes that it knows; 0 when it was fitted without labels.
  var classes: Int { get }
  /// A row of each of these classes.
  func sample(classes labels: [Int], seed: UInt64) -> [Float]
}

/// A member that maps rows one to one onto a simple distribution.
public protocol InvertibleModel: LikelihoodModel {
  /// The latent rows, of the width of the prepared rows, and `log |det ∂z/∂x|` of each, nats, with respect to rows as given.
  func latent(of rows: Records) -> (z: [Float], logDeterminant: [Double])
  /// The rows of latent ones.
  func rows(ofLatent z: [Float], count: Int, labels: [Int]?) -> [Float]
}

/// A member that foretells each number of a row from those before it, in an order of its own.
public protocol AutoregressiveModel: LikelihoodModel {
  /// `order[i]` is the place of the number that is foretold as the `i`-th.
  var order: [Int] { get }
  /// `log p(x_j | those before)` of every entry, `rows × width`.
  func conditionals(of rows: Records) -> [Float]
  /// As `sample`, but every number computed from scratch: what the quick way must equal.
  func sampleNaively(count: Int, seed: UInt64) -> [Float]
}

/// A member whose log density can be differentiated by the row: what Markov chains move on.
public protocol DifferentiableDensity: TrainedModel {
  /// What the density reads its weights from: to be given to the tape that it is recorded on.
  var densityParameters: Parameters { get }
  /// From rows `[count, width]` in the units they were given to `[count]`, nats, up to a constant.
  func logDensity(_ x: Variable) -> Variable
}

/// A member that remembers how the rows are read that it was fitted to, and how it looks at them itself.
public protocol FormKeeping: TrainedModel {
  var form: RowForm { get }
  /// Of the rows as the member sees them. Where this is binary and the rows are grey values, its likelihoods are those of bits:
  /// whoever asks for them makes bits of the rows before.
  var seenForm: RowForm { get }
}

/// A member that has something to say of how it came out, for a person to read: what `inspect` prints.
public protocol Inspectable: TrainedModel {
  /// In an order of its own; the value with its unit.
  var facts: [(name: String, value: String)] { get }
}
