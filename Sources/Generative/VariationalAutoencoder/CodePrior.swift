import Gradients
import Networks
import Tensors

/// A distribution of grids of codes, each foretold from those before it in reading order: by masked convolutions on pictures (a small
/// PixelCNN, van den Oord et al. 2016, as the paper of the VQ-VAE has it for its prior), by masked dense layers on lines (Germain et
/// al. 2015).
struct CodePrior: Sendable {
  let codes: Int
  let height: Int
  let width: Int
  private let embedding: Slot
  private let network: Network

  private enum Network: Sendable {
    case convolutions(first: Convolution2D, blocks: [Convolution2D], output: Convolution2D)
    case dense(hidden: MaskedDense, output: MaskedDense)
  }

  /// - Parameter channels: of the convolutions, or hidden units per place.
  init(codes: Int, height: Int, width: Int, channels: Int, in scope: inout ParameterScope) {
    self.codes = codes
    self.height = height
    self.width = width
    (embedding, network) = scope.within("prior") { scope in
      let embedding = scope.parameter("embedding", [codes, channels]) { random, count in
        random.normals(count).map { $0 * 0.3 }
      }
      return (
        embedding,
        height > 1
          ? Self.convolutions(codes, channels, in: &scope)
          : Self.dense(codes, channels, places: width, in: &scope)
      )
    }
  }

  private static func convolutions(_ codes: Int, _ channels: Int, in scope: inout ParameterScope) -> Network {
    .convolutions(
      first: Convolution2D("first", channels, channels, size: 7, mask: .beforeMiddle, in: &scope),
      blocks: (0..<3).map {
        Convolution2D(
          "block.\($0)", channels, channels, size: 3, mask: .upToMiddle, activation: .relu, in: &scope)
      }, output: Convolution2D("output", channels, codes, size: 1, in: &scope))
  }

  /// The degree of a place is its number from 1; a hidden unit sees the places up to its degree.
  private static func dense(
    _ codes: Int, _ channels: Int, places: Int, in scope: inout ParameterScope
  ) -> Network {
    func degrees(_ each: Int) -> [Int] { (0..<places * each).map { 1 + $0 / each } }
    return .dense(
      hidden: MaskedDense(
        "hidden", from: [degrees(channels)], to: [degrees(channels)], isStrict: false, activation: .relu,
        in: &scope),
      output: MaskedDense(
        "output", from: [degrees(channels)], to: [degrees(codes)], isStrict: true, activation: .identity,
        in: &scope))
  }

  var places: Int { height * width }

  /// The logits of the code at each place given those before it, `[rows, places, codes]`.
  ///
  /// - Parameter choice: `[rows · places, codes]`, 1 for the code that is there.
  func logits(_ choice: Variable) -> Variable {
    let (rows, tape) = (choice.shape[0] / places, choice.tape)
    let vectors = matmul(choice, tape[embedding])
    let channels = vectors.shape[1]
    switch network {
    case .convolutions(let first, let blocks, let output):
      let lines = vectors.reshaped([rows, height, width, channels])
      let grid = lines.transposed(2, 3).transposed(1, 2).contiguous()
      let y = output(relu(blocks.reduce(relu(first(grid))) { $0 + $1($0) }))
      return y.reshaped([rows, codes, places]).transposed(1, 2).contiguous()
    case .dense(let hidden, let output):
      let y = hidden(hidden.masks(on: tape)[0], vectors.reshaped([rows, places * channels]))
      return output(output.masks(on: tape)[0], y).reshaped([rows, places, codes])
    }
  }

  /// `log p(codes)` of each row, `[rows]`, nats.
  func logProbability(_ choice: Variable) -> Variable {
    let rows = choice.shape[0] / places
    let each = logSoftmax(logits(choice)) * choice.reshaped([rows, places, codes])
    return each.sum(-1).sum(-1)
  }

  /// Rows of code numbers, `count × places`, drawn place after place.
  func sample(
    _ count: Int, random: inout RandomStream, _ quantizer: VectorQuantizer, _ buffer: ParameterBuffer
  )
    -> [Float]
  {
    let plan = NetworkPlan(buffer, row: [places]) { logits(quantizer.chosen($0)) }
    var rows = [Float](repeating: 0, count: count * places)
    let indices = Array(0..<count)
    for start in stride(from: 0, to: count, by: 64) {
      let part = indices[start..<min(count, start + 64)]
      for place in 0..<places {
        let logits = plan.run(rows, rows: part).sliced(1, from: place, count: 1).values
        for row in part {
          let at = (row - start) * codes
          rows[row * places + place] = Float(Self.draw(logits[at..<at + codes], random.uniform()))
        }
      }
    }
    return rows
  }

  /// The class that a uniform number falls on.
  private static func draw(_ logits: ArraySlice<Float>, _ uniform: Float) -> Int {
    let top = logits.max() ?? 0
    let weights = VectorMath.exp(logits.map { $0 - top })
    var left = uniform * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      left -= weight
      if left <= 0 { return index }
    }
    return weights.count - 1
  }
}
