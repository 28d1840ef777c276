import Gradients
import Networks
import Tensors

/// A distribution of grids of codes: masked convolutions foretell each code from those before it in reading order (a small PixelCNN,
/// van den Oord et al. 2016), as the paper of the VQ-VAE has it for its prior.
struct CodePrior: Sendable {
  let codes: Int
  let height: Int
  let width: Int
  private let embedding: Slot
  private let first: Convolution2D
  private let blocks: [Convolution2D]
  private let output: Convolution2D

  /// Pictures get a first kernel of 7 × 7, lines one of 3; three more of 3 follow.
  ///
  /// - Parameter channels: of the convolutions.
  init(codes: Int, height: Int, width: Int, channels: Int, in scope: inout ParameterScope) {
    self.codes = codes
    self.height = height
    self.width = width
    (embedding, first, blocks, output) = scope.within("prior") { scope in
      (
        scope.parameter("embedding", [codes, channels]) { random, count in
          random.normals(count).map { $0 * 0.3 }
        },
        Convolution2D("first", channels, channels, size: height > 1 ? 7 : 3, mask: .beforeMiddle, in: &scope),
        (0..<3).map {
          Convolution2D(
            "block.\($0)", channels, channels, size: 3, mask: .upToMiddle, activation: .relu, in: &scope)
        },
        Convolution2D("output", channels, codes, size: 1, in: &scope)
      )
    }
  }

  var places: Int { height * width }

  /// The logits of the code at each place given those before it, `[rows, places, codes]`.
  ///
  /// - Parameter choice: `[rows · places, codes]`, 1 for the code that is there.
  func logits(_ choice: Variable) -> Variable {
    let rows = choice.shape[0] / places
    let vectors = matmul(choice, choice.tape[embedding])
    let channels = vectors.shape[1]
    let grid = vectors.reshaped([rows, height, width, channels]).transposed(2, 3).transposed(1, 2)
      .contiguous()
    let y = output(relu(blocks.reduce(relu(first(grid))) { $0 + $1($0) }))
    return y.reshaped([rows, codes, places]).transposed(1, 2).contiguous()
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
