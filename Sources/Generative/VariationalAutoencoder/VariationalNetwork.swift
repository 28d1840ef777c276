import Gradients
import Networks
import Tensors

/// The distribution of a row given its code.
enum RowLikelihood: String, Sendable {
  /// `N(x; decoder(z), diag σ²)` with one learned deviation for each number.
  case gaussian
  /// `Bernoulli(x; σ(decoder(z)))`
  case bernoulli

  static let words = ["auto", "gaussian", "bernoulli"]

  /// The one of this name; of `auto` Bernoulli for bits and for pictures of grey values, which are then probabilities of bits.
  init(_ name: String, for form: RowForm) {
    let suits = form.support == .binary || form.support == .unit && form.isPicture
    self = RowLikelihood(rawValue: name) ?? (suits ? .bernoulli : .gaussian)
  }

  /// The support of prepared rows.
  var support: Support { self == .gaussian ? .real : .binary }
}

/// Rows given the decoder's output, and the deviation that goes with it.
struct RowDistribution: Sendable {
  let likelihood: RowLikelihood
  /// What the logarithm of the variance of each number is made of, `[width]`; nil for bits.
  private let variance: Slot?

  /// No deviation is smaller than this, in deviations of the data: a column that never changes has some density only.
  private static let leastDeviation: Float = 0.03
  private static let leastLogVariance: Float = 2 * -3.506_558

  init(width: Int, support: Support, in scope: inout ParameterScope) {
    likelihood = support == .real ? .gaussian : .bernoulli
    // Begins as half a deviation.
    variance = support == .real ? scope.parameter("logVariance", [width], repeating: -1.39) : nil
  }

  /// `log σ²`, `[width]`, smoothly bounded below.
  private func logVariance(_ slot: Slot, _ tape: Tape) -> Variable {
    softplus(tape[slot] - Self.leastLogVariance) + Self.leastLogVariance
  }

  /// `log p(x | z)` of each row from the decoder's output of the same shape, summed over the last axis, of which only what was
  /// observed counts.
  func logProbability(_ x: Variable, output: Variable, mask: Variable? = nil) -> Variable {
    guard let variance else { return -binaryCrossEntropy(output, targets: x).observed(mask).sum(-1) }
    let s = logVariance(variance, x.tape)
    return (((x - output).squared() * exp(-s)) + s + Self.logTwoPi).observed(mask).sum(-1) * -0.5
  }
  private static let logTwoPi: Float = 1.837_877_1

  /// The mean of rows.
  func mean(_ output: Variable) -> Variable { likelihood == .bernoulli ? sigmoid(output) : output }

  /// Rows drawn with noise of the tape.
  func draw(_ output: Variable) -> Variable {
    guard let variance else { return bernoulli(sigmoid(output)) }
    return output + exp(logVariance(variance, output.tape) * 0.5) * output.tape.normal(output.shape)
  }
}

/// Encoder, prior and decoder of a variational autoencoder with a diagonal Gaussian posterior `q(z | x) = N(μ(x), diag σ²(x))`
/// and the prior `N(0, 1)` (Kingma & Welling 2014, appendix C).
struct VariationalNetwork: Sendable {
  let width: Int
  let codeWidth: Int
  /// Classes that encoder and decoder are told; 0 for none.
  let classes: Int
  private let trunk: Perceptron?
  private let mean: Dense
  private let logVariance: Dense
  private let decoder: Perceptron
  let rows: RowDistribution
  /// Of each latent unit over the training rows: the mean divergence from the prior, nats, and the variance of the mean.
  private let divergence: Slot
  private let spread: Slot

  /// - Parameters:
  ///   - hidden: units of the encoder's hidden layers, mirrored in the decoder.
  ///   - code: latent units; 0 for what suits the rows.
  init(
    form: RowForm, hidden: [Int], code: Int, classes: Int = 0, in scope: inout ParameterScope
  ) {
    width = form.width
    self.classes = classes
    codeWidth = code > 0 ? code : form.width >= 256 ? 40 : AutomaticCode.narrow(form)
    let inputs = width + classes
    let inner = hidden.last ?? inputs
    trunk =
      hidden.isEmpty
      ? nil
      : Perceptron("encoder", sizes: [inputs] + hidden, hidden: .relu, output: .relu, in: &scope)
    mean = Dense("mean", inner, codeWidth, in: &scope)
    logVariance = Dense(
      "logVariance", inner, codeWidth, initializer: .normal(deviation: 0.01), in: &scope)
    decoder = Perceptron(
      "decoder", sizes: [codeWidth + classes] + hidden.reversed() + [width], hidden: .relu, in: &scope)
    rows = RowDistribution(width: width, support: form.support, in: &scope)
    let units: Shape = [codeWidth]
    (divergence, spread) = scope.within("latent") { scope in
      (scope.statistic("divergence", units), scope.statistic("spread", units))
    }
  }

  /// `q(z | x)`
  struct Posterior {
    /// `[rows, codes]` each.
    let mean: Variable
    let logVariance: Variable

    /// `KL(q(z | x) ‖ N(0, 1))` of each latent unit, `[rows, codes]`, nats (Kingma & Welling 2014, appendix B).
    var divergence: Variable { (mean.squared() + exp(logVariance) - logVariance - 1) * 0.5 }

    /// Codes drawn with noise of the tape.
    func draw() -> Variable {
      reparametrised(mean: mean, logVariance: logVariance, noise: mean.tape.normal(mean.shape))
    }
  }

  /// - Parameter condition: the class of each row, `[rows, classes]`; nil where there are none.
  func posterior(_ x: Variable, _ condition: Variable?) -> Posterior {
    let input = condition.map { concatenate([x, $0], axis: -1) } ?? x
    let inner = trunk.map { $0(input) } ?? input
    return Posterior(mean: mean(inner), logVariance: logVariance(inner))
  }

  /// What the distribution of rows is made of, `[rows, width]`.
  func output(_ z: Variable, _ condition: Variable?) -> Variable {
    decoder(condition.map { concatenate([z, $0], axis: -1) } ?? z)
  }

  /// The class of each row as numbers that are 1 for it and 0 for the others, `[rows, classes]`; all 0 where it is not known, nil
  /// without classes.
  func condition(_ labels: Variable?, count: Int, _ tape: Tape) -> Variable? {
    guard classes > 0 else { return nil }
    guard let labels else { return tape.input([count, classes]) }
    let names = tape.input(Tensor((0..<classes).map(Float.init), shape: [1, classes]))
    return equal(
      labels.reshaped([count, 1]).expanded(to: [count, classes]).contiguous(),
      names.expanded(to: [count, classes]).contiguous())
  }

  // MARK: bounds of log p(x), `[rows]`

  /// The reconstruction part and the divergence of the evidence lower bound, one draw of the code (equation 7).
  func evidence(
    _ x: Variable, _ condition: Variable?, mask: Variable? = nil
  ) -> (logProbability: Variable, divergence: Variable) {
    let posterior = posterior(x, condition)
    return (
      rows.logProbability(x, output: output(posterior.draw(), condition), mask: mask),
      posterior.divergence.sum(-1)
    )
  }

  /// The importance-weighted bound `log 1/k Σ p(x, z_i) / q(z_i | x)` with `k` draws (Burda et al. 2016, equation 8); with one the
  /// evidence lower bound, its divergence in closed form.
  ///
  /// - Parameter mask: 0 for what is missing: it is integrated out, as numbers given the code are independent of each other.
  func bound(_ x: Variable, _ condition: Variable?, samples k: Int, mask: Variable? = nil) -> Variable {
    guard k > 1 else {
      let (logProbability, divergence) = evidence(x, condition, mask: mask)
      return logProbability - divergence
    }
    let (n, tape, posterior) = (x.shape[0], x.tape, posterior(x, condition))
    func repeated(_ v: Variable) -> Variable {
      v.inserting(1).expanded(to: [n, k, v.shape[1]]).contiguous().reshaped([n * k, v.shape[1]])
    }
    let noise = tape.normal([n, k, codeWidth])
    let deviation = exp(posterior.logVariance * 0.5).inserting(1)
    let z = posterior.mean.inserting(1) + deviation * noise
    let output = output(z.reshaped([n * k, codeWidth]), condition.map(repeated))
    let logProbability = rows.logProbability(repeated(x), output: output, mask: mask.map(repeated))
      .reshaped([n, k])
    // log p(z) - log q(z | x): the normalising constants are the same.
    let ratio =
      (noise.squared() - z.squared()).sum(-1) * 0.5
      + (posterior.logVariance.sum(-1) * 0.5).inserting(1)
    return logSumExp(logProbability + ratio, axis: -1) - VectorMath.log([Float(k)])[0]
  }

  /// `-log p(x | z = μ(x)) + KL`: without noise.
  func strangeness(_ x: Variable, _ condition: Variable?) -> Variable {
    let posterior = posterior(x, condition)
    return posterior.divergence.sum(-1) - rows.logProbability(x, output: output(posterior.mean, condition))
  }

  // MARK: what the latent units came to

  /// The least variance of a unit's posterior mean over rows by which it counts as active (Burda et al. 2016, section 5.2).
  static let activity: Float = 0.01

  func settle(_ found: PreparedRows, _ buffer: ParameterBuffer) {
    let plan = NetworkPlan(buffer, row: [width + (classes > 0 ? 1 : 0)]) { row in
      let x = classes > 0 ? row[-1, 0..<width].contiguous() : row
      let labels = classes > 0 && found.labels != nil ? row[-1, width..<width + 1] : nil
      let posterior = posterior(x, condition(labels, count: row.shape[0], row.tape))
      return concatenate([posterior.divergence, posterior.mean, posterior.mean.squared()], axis: -1)
    }
    let rows = classes > 0 ? joined(found.values, found.labels, count: found.count) : found.values
    let all = plan.results(rows, count: found.count, width: 3 * codeWidth)
    let means = VectorMath.columnSums(all, rows: found.count, columns: 3 * codeWidth).map {
      $0 / Float(found.count)
    }
    buffer.view(divergence).assign(Array(means[..<codeWidth]))
    let (first, second) = (means[codeWidth..<2 * codeWidth], means[(2 * codeWidth)...])
    buffer.view(spread).assign(zip(first, second).map { max(0, $1 - $0 * $0) })
  }

  /// Rows with their label behind them.
  private func joined(_ values: [Float], _ labels: [Int]?, count: Int) -> [Float] {
    var joined: [Float] = []
    joined.reserveCapacity(count * (width + 1))
    for row in 0..<count {
      joined += values[row * width..<(row + 1) * width]
      joined.append(Float(labels?[row] ?? 0))
    }
    return joined
  }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] {
    let (divergence, spread) = (parameters[divergence].values, parameters[spread].values)
    func hundredths(_ x: Float) -> String { "\((x * 100).rounded() / 100)" }
    return [
      ("row given code", rows.likelihood.rawValue),
      (
        "active latent units",
        "\(spread.count { $0 > Self.activity }) of \(codeWidth) (variance of the mean above \(Self.activity))"
      ),
      ("KL per row", "\(hundredths(divergence.reduce(0, +))) nats"),
      ("KL per latent unit", divergence.map(hundredths).joined(separator: " ") + " nats"),
    ]
  }
}
