import Networks
import Tensors

extension Autoencoder: EncodingModel, ReconstructingModel {
  public func codes(of rows: Records) -> [Float] {
    codes(of: rows.matrix.values, mask: rows.matrix.mask, rows: rows.count)
  }

  public func decode(codes: [Float], count: Int, labels: [Int]?) -> [Float] { decode(codes, rows: count) }

  public func reconstruct(_ rows: Records) -> [Float] {
    reconstruct(rows.matrix.values, mask: rows.matrix.mask, rows: rows.count)
  }
}

extension Autoencoder: InpaintingModel {
  /// What is missing is rebuilt from what is there and from itself, with the usual residual added, over and over.
  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    let (values, count) = (rows.matrix.values, rows.count)
    guard let mask = rows.matrix.mask else { return values }
    var random = RandomStream(seed: seed)
    var z = standardised(values, mask: mask, rows: count, bound: Self.encoderBound)
    for _ in 0..<InpaintingChain.rounds {
      let rebuilt = run(z, rows: count, layers: 0..<plan.layerCount)
      let drawn = drawn(rebuilt, random: &random)
      for i in z.indices where mask[i] == 0 { z[i] = (drawn[i] - shift[i % width]) * scale[i % width] }
    }
    let filled = unscaled(z)
    return z.indices.map {
      mask[$0] != 0 ? values[$0] : form.support == .binary ? filled[$0].rounded() : filled[$0]
    }
  }
}

extension Autoencoder {
  /// Rows drawn around scaled means, in the units they were given in: with the usual residual, grey values within their bounds;
  /// bits with their means as probabilities.
  func drawn(_ means: [Float], random: inout RandomStream) -> [Float] {
    let plain = unscaled(means)
    if form.support == .binary { return plain.map { random.bernoulli($0) ? 1 : 0 } }
    let noise = random.normals(plain.count)
    return plain.indices.map { i in
      let noisy = plain[i] + noise[i] * residual[i % width].squareRoot() / scale[i % width]
      return form.support == .unit ? max(0, min(1, noisy)) : noisy
    }
  }
}

extension Autoencoder: FormKeeping {
  public var seenForm: RowForm { form }
}

extension RowForm {
  /// The support and the shape, for a file.
  var text: String { ([support.rawValue] + shape.map(String.init)).joined(separator: " ") }

  init(text: String, width: Int) throws(WeightsError) {
    let words = text.split(separator: " ").map(String.init)
    let shape = words.dropFirst().compactMap(Int.init)
    guard let support = words.first.flatMap(Support.init(rawValue:)), shape.count == words.count - 1,
      (1...4).contains(shape.count), shape.allSatisfy({ $0 > 0 && $0 <= width }),
      shape.reduce(1, *) == width
    else { throw .wrongValue("rows of \(width) numbers read as \(text)") }
    self.init(shape: shape, support: support)
  }
}

extension Autoencoder: TrainingCurveKeeping, Inspectable {
  public var facts: [(name: String, value: String)] {
    let layers = plan.network.layers
    let sizes = [layers[0].inputs] + layers.map(\.outputs)
    return [
      ("layers", sizes.map(String.init).joined(separator: " – ")),
      ("activations", layers.map(\.activation.rawValue).joined(separator: " ")),
      ("numbers in a code", "\(codeWidth)"),
      (
        "mean squared residual", "\(residual.reduce(0, +) / Float(max(width, 1))) of standardised inputs"
      ),
    ]
  }
}
