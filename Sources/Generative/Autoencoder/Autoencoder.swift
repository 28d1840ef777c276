import Networks
import Tensors

/// A denoising autoencoder: dense layers around a narrow code (Vincent et al. 2008), tanh ones with a linear output unless chosen
/// otherwise; for pictures deep ones of rectified units (Hinton & Salakhutdinov 2006).
///
/// Inputs are standardised (grey values are left as they are), hidden from the encoder at random while training, and given back. A missing input is
/// hidden in the same way and never counts in a loss or score. The encoder sees at most ±8 deviations, so one
/// enormous input does not saturate every hidden unit; its error is taken in full.
///
/// The score is the mean over the observed inputs of `(z - ẑ)² / v`, with `v` each input's usual squared residual on
/// the data it learned from (at least a floor): about 1 for usual rows, and precise inputs are not drowned by noisy ones.
public struct Autoencoder: TrainedModel {
  public static let catalogueName = "autoencoder"
  public let scoreUnit = ScoreUnit.squaredError
  public var width: Int { shift.count }
  /// Numbers in a code.
  public var codeWidth: Int { plan.width(after: encoderLayers) }

  let plan: InferencePlan
  /// How many of the layers make the code.
  let encoderLayers: Int
  let shift: [Float]
  let scale: [Float]
  /// Per input, the usual squared residual of the standardised input.
  let residual: [Float]
  let precision: [Float]
  /// The distribution of codes (before a tanh): mean, and the lower Cholesky factor of the covariance.
  let codeMean: [Float]
  let codeFactor: [Float]
  /// Where the numbers of a code lie.
  let codeRange: UsualRows.CodeRange
  /// How rows are read that it was fitted to.
  public let form: RowForm
  public let curve: [CurvePoint]

  /// What the encoder sees of an input at most, in deviations.
  static let encoderBound: Float = 8
  /// Beyond this many deviations all inputs are equally strange: scores stay finite.
  static let bound: Float = 1e6
  static let microBatch = 64

  init(
    plan: InferencePlan, encoderLayers: Int, shift: [Float], scale: [Float], residual: [Float],
    codeMean: [Float], codeFactor: [Float], form: RowForm, curve: [CurvePoint]
  ) {
    self.plan = plan
    self.encoderLayers = encoderLayers
    self.shift = shift
    self.scale = scale
    self.residual = residual
    self.precision = residual.map { 1 / $0 }
    self.codeMean = codeMean
    self.codeFactor = codeFactor
    self.form = form
    self.curve = curve
    codeRange = plan.network.layers[encoderLayers - 1].activation == .tanh ? .symmetric : .all
  }

}

// MARK: the event path

extension Autoencoder {
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    forEachBatch(rows, scratch: &scratch) { start, count, part, arena in
      arena.standardise(
        inputs, mask: mask, first: start, rows: count, shift: shift, scale: scale, bound: Self.bound,
        into: part.full)
      // Usually nothing is beyond what the encoder sees, and both are the same.
      var seen = part.full
      if arena.anyBeyond(Self.encoderBound, part.full, count: count * width) {
        seen = part.seen
        arena.standardise(
          inputs, mask: mask, first: start, rows: count, shift: shift, scale: scale,
          bound: Self.encoderBound, into: seen)
      }
      let output = plan.run(seen, rows: count, arena: &arena, space: part.space)
      arena.squaredErrorRows(
        rows: count, columns: width, part.full, output, weight: precision, mask: mask, first: start,
        sum: part.sum,
        count: part.count)
      arena.divideRows(rows: count, part.sum, by: part.count, into: &raw, at: start)
    }
  }

  /// The plain mean squared error of standardised inputs over what was observed, one number per row.
  public func meanSquaredErrors(_ inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    let z = standardised(inputs, mask: mask, rows: rows, bound: Self.bound)
    let expected = reconstructStandardised(inputs, mask: mask, rows: rows)
    return (0..<rows).map { row in
      var (sum, count): (Float, Float) = (0, 0)
      for i in row * width..<(row + 1) * width where mask?[i] != 0 {
        sum += (z[i] - expected[i]) * (z[i] - expected[i])
        count += 1
      }
      return sum / max(count, 1)
    }
  }

  struct Working {
    let full: Region
    let seen: Region
    let space: Region
    let sum: Region
    let count: Region
  }

  /// Cuts rows into micro-batches and gives each its regions of the working space.
  @inline(__always)
  func forEachBatch(
    _ rows: Int, scratch: inout Scratch, _ body: (Int, Int, Working, inout Arena) -> Void
  ) {
    let most = Self.microBatch
    let hidden = plan.spacePerRow
    scratch.arena.grow(to: most * (2 * width + hidden + 2))
    let part = Working(
      full: Region(offset: 0, count: most * width), seen: Region(offset: most * width, count: most * width),
      space: Region(offset: 2 * most * width, count: most * hidden),
      sum: Region(offset: most * (2 * width + hidden), count: most),
      count: Region(offset: most * (2 * width + hidden + 1), count: most))
    for start in stride(from: 0, to: rows, by: most) {
      body(start, min(most, rows - start), part, &scratch.arena)
    }
  }

  func standardised(_ inputs: [Float], mask: [Float]?, rows: Int, bound: Float) -> [Float] {
    var arena = Arena()
    let region = arena.reserve(rows * width)
    arena.standardise(
      inputs, mask: mask, first: 0, rows: rows, shift: shift, scale: scale, bound: bound, into: region)
    return arena[region]
  }

  /// Some layers on rows that are standardised already.
  func run(_ values: [Float], rows: Int, layers: Range<Int>) -> [Float] {
    var arena = Arena()
    let input = arena.reserve(values.count)
    arena[input] = values
    let space = arena.reserve(rows * plan.spacePerRow)
    return arena[plan.run(input, rows: rows, layers: layers, arena: &arena, space: space)]
  }

  func reconstructStandardised(_ inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    run(
      standardised(inputs, mask: mask, rows: rows, bound: Self.encoderBound), rows: rows,
      layers: 0..<plan.layerCount)
  }
}

// MARK: what lies behind a score

extension Autoencoder {
  /// The rows as the model gives them back, `rows × width`; missing inputs are filled in.
  public func reconstruct(_ inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    unscaled(reconstructStandardised(inputs, mask: mask, rows: rows))
  }

  /// The codes of rows, `rows × codeWidth`; after a tanh each number is within ±1.
  public func codes(of inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    run(
      standardised(inputs, mask: mask, rows: rows, bound: Self.encoderBound), rows: rows,
      layers: 0..<encoderLayers)
  }

  /// The rows that codes stand for, `rows × width`.
  public func decode(_ codes: [Float], rows: Int) -> [Float] {
    precondition(codes.count == rows * codeWidth, "\(codes.count) numbers are not \(rows) × \(codeWidth)")
    return unscaled(run(codes, rows: rows, layers: encoderLayers..<plan.layerCount))
  }

  /// The same network with the usual residuals enlarged to those on later rows: an input that drifts, and is foretold worse
  /// the longer the training lies back, counts for less from the beginning.
  ///
  /// - Parameter data: rows that it was not fitted on, after those that it was; the twentieth part of an input's residuals
  ///   that is largest is taken as no larger than the rest.
  public func widened(to data: DataMatrix) -> Autoencoder {
    precondition(data.columns == width, "\(data.columns) columns for a model of \(width)")
    let z = standardised(data.values, mask: data.mask, rows: data.rows, bound: Self.encoderBound)
    let output = run(z, rows: data.rows, layers: 0..<plan.layerCount)
    let usual = (0..<width).map { input -> Float in
      var squares: [Float] = []
      for i in stride(from: input, to: z.count, by: width) where data.mask?[i] != 0 {
        squares.append((z[i] - output[i]) * (z[i] - output[i]))
      }
      guard squares.count >= 20 else { return residual[input] }
      squares.sort()
      let top = squares[squares.count * 19 / 20]
      return max(residual[input], squares.reduce(0) { $0 + min($1, top) } / Float(squares.count))
    }
    return Autoencoder(
      plan: plan, encoderLayers: encoderLayers, shift: shift, scale: scale, residual: usual,
      codeMean: codeMean, codeFactor: codeFactor, form: form, curve: curve)
  }

  func unscaled(_ z: [Float]) -> [Float] {
    var x = z
    for i in x.indices { x[i] = z[i] / scale[i % width] + shift[i % width] }
    return x
  }

  /// The strangest inputs are hidden one after the other, so that what is expected of them comes from the rest.
  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    precondition(input.count == width, "\(input.count) inputs for a model of \(width)")
    let z = standardised(input, mask: mask, rows: 1, bound: Self.bound)
    let observed = (0..<width).map { mask?[$0] != 0 }
    var seen = standardised(input, mask: mask, rows: 1, bound: Self.encoderBound)
    var hidden = [Bool](repeating: false, count: width)
    var expected = run(seen, rows: 1, layers: 0..<plan.layerCount)
    let strangeness = { (i: Int, expected: [Float]) in
      (z[i] - expected[i]) * (z[i] - expected[i]) * precision[i]
    }
    for _ in 0..<(width / 3) {
      let candidates = (0..<width).filter { observed[$0] && !hidden[$0] }
      guard
        let worst = candidates.max(by: { strangeness($0, expected) < strangeness($1, expected) }),
        strangeness(worst, expected) > Self.hidingThreshold
      else { break }
      hidden[worst] = true
      seen[worst] = 0
      expected = run(seen, rows: 1, layers: 0..<plan.layerCount)
    }
    let count = Float(max(1, observed.count { $0 }))
    let contribution = (0..<width).map { observed[$0] ? max(0, strangeness($0, expected) - 1) / count : 0 }
    return Expectation(
      expected: unscaled(expected), spread: (0..<width).map { residual[$0].squareRoot() / scale[$0] },
      contribution: contribution)
  }

  /// An input five times its usual residual off is not believed when others are to be explained.
  private static let hidingThreshold: Float = 25

  public func sample(count: Int, seed: UInt64) -> [Float] { sample(count: count, seed: seed, noise: true) }

  /// Codes from their normal distribution (before a tanh), decoded.
  ///
  /// - Parameter noise: whether each input's usual residual is added, which makes samples as rough as the data.
  public func sample(count: Int, seed: UInt64, noise: Bool) -> [Float] {
    var random = RandomStream(seed: seed)
    let codes = codeRange.bounded(
      UsualRows.drawn(count, mean: codeMean, factor: codeFactor, random: &random))
    let means = run(codes, rows: count, layers: encoderLayers..<plan.layerCount)
    return noise ? drawn(means, random: &random) : unscaled(means)
  }
}

// MARK: bytes

extension Autoencoder {
  public func encode() -> [UInt8] {
    var tensors: [String: Tensor] = [
      "shift": Tensor(shift, shape: [width]), "scale": Tensor(scale, shape: [width]),
      "residual": Tensor(residual, shape: [width]), "code.mean": Tensor(codeMean, shape: [codeWidth]),
      "code.factor": Tensor(codeFactor, shape: [codeWidth, codeWidth]),
    ]
    let layers = plan.network.layers
    for (i, layer) in layers.enumerated() {
      tensors["layers.\(i).weight"] = layer.weight
      tensors["layers.\(i).bias"] = layer.bias
    }
    return Weights(
      tensors,
      metadata: [
        "model": Self.catalogueName, "curve": CurvePoint.text(curve),
        "form": form.text, "activations": layers.map(\.activation.rawValue).joined(separator: " "),
      ]
    ).encode()
  }

  public init(decoding bytes: [UInt8]) throws {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: Self.catalogueName)
    let shift = try weights.tensor("shift", shape: [nil]).values
    let width = shift.count
    // Files of before there was a choice do not say.
    let activations = (weights.metadata["activations"] ?? "tanh tanh tanh identity").split(separator: " ").map
    {
      Activation(rawValue: String($0))
    }
    guard !activations.isEmpty, activations.count % 2 == 0, activations.count <= 64 else {
      throw WeightsError.wrongValue("an autoencoder of \(activations.count) layers")
    }
    var layers: [PerceptronLayer] = []
    var inputs = width
    for (i, activation) in activations.enumerated() {
      guard let activation, [.tanh, .relu, .sigmoid, .identity].contains(activation) else {
        throw WeightsError.wrongValue("layer \(i) of an autoencoder has an activation that it does not know")
      }
      let last = i == activations.count - 1
      let weight = try weights.tensor("layers.\(i).weight", shape: [inputs, last ? width : nil])
      let bias = try weights.tensor("layers.\(i).bias", shape: [weight.columns])
      layers.append(PerceptronLayer(weight: weight, bias: bias, activation: activation))
      inputs = weight.columns
    }
    let code = layers[layers.count / 2 - 1].outputs
    let scale = try weights.tensor("scale", shape: [width]).values
    let residual = try weights.tensor("residual", shape: [width]).values
    guard (scale + residual).allSatisfy({ $0 > 0 }) else {
      throw WeightsError.wrongValue("a scale or residual is not above 0")
    }
    self.init(
      plan: InferencePlan(MultilayerPerceptron(layers)), encoderLayers: layers.count / 2, shift: shift,
      scale: scale, residual: residual, codeMean: try weights.tensor("code.mean", shape: [code]).values,
      codeFactor: try weights.tensor("code.factor", shape: [code, code]).values,
      form: try weights.metadata["form"].map { try RowForm(text: $0, width: width) }
        ?? RowForm(shape: [width], support: .real),
      curve: try weights.metadata["curve"].map { try CurvePoint.points($0) } ?? [])
  }
}
