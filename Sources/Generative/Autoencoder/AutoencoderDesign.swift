import Gradients
import Networks
import Tensors

/// A design that learns to give its rows back through a code that cannot simply copy them.
///
/// The score is the mean of `(x - x̂)² / v`, with `v` each number's usual squared residual: about 1 for usual rows. Rows are
/// drawn by drawing codes from a normal distribution fitted to the codes of the training rows, and adding the usual residual;
/// bits are drawn with the rebuilt numbers as their probabilities.
protocol AutoencoderDesign: EncodingDesign, InpaintingDesign, SettlingDesign, InspectableDesign {
  /// Numbers in a prepared row.
  var width: Int { get }
  var usual: UsualRows { get }
}

extension AutoencoderDesign {
  static var scoreUnit: ScoreUnit { .squaredError }

  /// Grey values and bits as they are, all else standardised.
  static func support(for form: RowForm, _ settings: Settings) -> Support { form.support }

  func reconstruct(_ rows: Rows) -> Variable { decode(encode(rows), labels: rows.labels) }

  /// `½ ‖x - x̂‖²` of each row over what was observed of it, `[rows]`: what the penalties of the papers are weighed against.
  func halfSquaredError(_ rows: Rows, _ reconstruction: Variable) -> Variable {
    (rows.x - reconstruction).squared().observed(rows.mask).sum(-1) * 0.5
  }

  func strangeness(_ rows: Rows) -> Variable {
    let residual = maximum(rows.tape[usual.residual], rows.tape.input(.scalar(UsualRows.residualFloor)))
    return ((rows.x - reconstruct(rows)).squared() / residual).mean(-1)
  }

  func settle(_ rows: PreparedRows, _ buffer: ParameterBuffer) {
    let plan = NetworkPlan(buffer, row: [width]) { x in
      let code = encode(Rows(x))
      return concatenate([code, (x - decode(code, labels: nil)).squared()], axis: -1)
    }
    usual.settle(
      plan.results(rows.values, count: rows.count, width: codeWidth + width), mask: rows.mask, buffer)
  }

  func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    var random = RandomStream(seed: request.seed)
    let codes = usual.codes(request.count, random: &random, buffer)
    let plan = NetworkPlan(buffer, row: [codeWidth]) { decode($0, labels: nil) }
    var rows = plan.results(codes, count: request.count, width: width)
    guard usual.support != .binary else { return rows.map { random.bernoulli($0) ? 1 : 0 } }
    let deviation = buffer.view(usual.residual).values.map { $0.squareRoot() }
    let noise = random.normals(rows.count)
    for i in rows.indices { rows[i] = usual.bounded(rows[i] + noise[i] * deviation[i % width]) }
    return rows
  }

  /// What is missing is rebuilt from what is there and from itself, with the usual residual added, over and over: the Markov
  /// chain of generalised denoising autoencoders (Bengio et al. 2013).
  func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    var chain = InpaintingChain(values: values, mask: mask, count: count, seed: seed)
    chain.run(buffer) { rows in
      let mean = reconstruct(rows)
      guard usual.support != .binary else { return bernoulli(mean) }
      let y = mean + rows.tape.normal(rows.x.shape) * sqrt(rows.tape[usual.residual])
      return usual.isUnit ? clamp(y, from: 0, to: 1) : y
    }
    return chain.values
  }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] { usual.facts(parameters) }
}

/// What is usual once an autoencoder is trained: the residual of each number, and where codes lie.
struct UsualRows: Sendable {
  /// Where the numbers of a code can lie. Their distribution is fitted where they are unbounded.
  enum CodeRange: Sendable {
    case all
    /// (0, 1), after a sigmoid
    case unit
    /// (-1, 1), after a tanh
    case symmetric
  }

  /// The mean squared residual of each number of a prepared row, `[width]`.
  let residual: Slot
  /// Mean and lower Cholesky factor of the covariance of unbounded codes, `[codes]`, `[codes, codes]`.
  let mean: Slot
  let factor: Slot
  /// The mean of each number of a code, `[codes]`.
  let activation: Slot
  let range: CodeRange
  let support: Support
  /// Whether prepared rows lie within 0 and 1.
  var isUnit: Bool { support != .real }

  /// No residual counts as smaller than this when rows are scored.
  static let residualFloor: Float = 0.01

  init(width: Int, codes: Int, range: CodeRange, support: Support, in scope: inout ParameterScope) {
    (residual, mean, factor, activation) = scope.within("usual") { scope in
      (
        scope.statistic("residual", [width], repeating: 1), scope.statistic("mean", [codes]),
        scope.statistic("factor", [codes, codes]), scope.statistic("activation", [codes])
      )
    }
    self.range = range
    self.support = support
  }

  var codeWidth: Int { mean.shape[0] }

  /// - Parameters:
  ///   - found: code and squared residuals of each row, side by side.
  ///   - mask: 0 for residuals of what is missing, `rows × width`.
  func settle(_ found: [Float], mask: [Float]?, _ buffer: ParameterBuffer) {
    let (width, codes) = (residual.shape[0], codeWidth)
    let rows = found.count / (width + codes)
    var counted = found
    var counts = [Float](repeating: Float(rows), count: width)
    if let mask {
      for row in 0..<rows {
        for column in 0..<width {
          counted[row * (width + codes) + codes + column] *= mask[row * width + column]
        }
      }
      counts = VectorMath.columnSums(mask, rows: rows, columns: width)
    }
    let sums = VectorMath.columnSums(counted, rows: rows, columns: width + codes)
    // A column that nobody ever saw has the residual of standardised rows.
    buffer.view(residual).assign(
      zip(sums[codes...], counts).map { $1 > 0 ? max($0 / $1, 1e-8) : 1 })
    buffer.view(activation).assign(sums[..<codes].map { $0 / Float(rows) })
    let given = (0..<rows).flatMap { found[$0 * (width + codes)..<$0 * (width + codes) + codes] }
    let free = range.unbounded(given)
    let (mean, factor) = Self.normal(of: free, rows: rows, columns: codes)
    buffer.view(self.mean).assign(mean)
    buffer.view(self.factor).assign(factor)
  }

  /// The normal distribution of some rows: mean, and the lower Cholesky factor of the covariance.
  static func normal(of rows: [Float], rows count: Int, columns: Int) -> (mean: [Float], factor: [Float]) {
    let mean = VectorMath.columnSums(rows, rows: count, columns: columns).map { $0 / Float(count) }
    let centred = Tensor(rows.indices.map { rows[$0] - mean[$0 % columns] }, shape: [count, columns])
    let covariance = centred.multiplied(by: centred, transposed: true).values
    return (mean, Cholesky.factor(covariance.map { Double($0) / Double(count) }, n: columns))
  }

  /// `count × codes` drawn from the distribution of codes.
  func codes(_ count: Int, random: inout RandomStream, _ buffer: ParameterBuffer) -> [Float] {
    let (mean, factor) = (buffer.view(mean).values, buffer.view(factor).values)
    return range.bounded(Self.drawn(count, mean: mean, factor: factor, random: &random))
  }

  /// `count` rows drawn from a normal distribution.
  static func drawn(_ count: Int, mean: [Float], factor: [Float], random: inout RandomStream) -> [Float] {
    let n = mean.count
    let normals = Tensor(random.normals(count * n), shape: [count, n])
    let spread = normals.multiplied(by: Tensor(factor, shape: [n, n]), otherTransposed: true).values
    return spread.indices.map { spread[$0] + mean[$0 % n] }
  }

  func bounded(_ value: Float) -> Float { isUnit ? max(0, min(1, value)) : value }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] {
    let residuals = parameters[residual].values
    return [
      ("numbers in a code", "\(codeWidth)"),
      (
        "mean squared residual",
        "\(residuals.reduce(0, +) / Float(max(residuals.count, 1))) of prepared rows"
      ),
    ]
  }
}

extension UsualRows.CodeRange {
  /// Codes that a saturated unit would put at infinity end here.
  private static var edge: Float { 1e-4 }

  func unbounded(_ codes: [Float]) -> [Float] {
    switch self {
    case .all: return codes
    case .unit:
      let inside = codes.map { max(Self.edge, min(1 - Self.edge, $0)) }
      return VectorMath.log(inside.map { $0 / (1 - $0) })
    case .symmetric:
      let inside = codes.map { max(Self.edge - 1, min(1 - Self.edge, $0)) }
      return VectorMath.log(inside.map { (1 + $0) / (1 - $0) }).map { $0 / 2 }
    }
  }

  func bounded(_ codes: [Float]) -> [Float] {
    switch self {
    case .all: codes
    case .unit: VectorMath.sigmoid(codes)
    case .symmetric: VectorMath.tanh(codes)
    }
  }
}
