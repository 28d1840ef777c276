import Gradients
import Networks
import Tensors

/// A codebook of `codes` vectors, learned as moving averages of what is nearest to each (van den Oord et al. 2017, appendix A.1).
struct VectorQuantizer: Sendable {
  let codes: Int
  let dimension: Int
  /// How many vectors each code stood for lately, and their sum: `[codes]`, `[codes, dimension]`.
  private let counts: Slot
  private let sums: Slot

  /// γ: how much of the averages stays at each step.
  static let decay: Float = 0.99
  /// A code that stands for less than this share of its part of the vectors begins anew somewhere else.
  static let deadShare: Float = 0.05

  init(codes: Int, dimension: Int, in scope: inout ParameterScope) {
    self.codes = codes
    self.dimension = dimension
    (counts, sums) = scope.within("codebook") { scope in
      // All codes begin dead, so that the first batch gives them their places.
      (scope.statistic("counts", [codes]), scope.statistic("sums", [codes, dimension]))
    }
  }

  /// The vectors of all codes, `[codes, dimension]`.
  func codebook(_ tape: Tape) -> Variable {
    tape[sums] / maximum(tape[counts], tape.input(.scalar(1e-9))).inserting(1)
  }

  /// Which code is nearest to each vector `[vectors, dimension]`: `[vectors, codes]`, 1 for it (the first of several) and 0 for the
  /// others. No gradient flows through.
  func nearest(_ z: Variable) -> Variable {
    let z = z.withoutGradient()
    let book = codebook(z.tape).withoutGradient()
    // -‖z - e‖² up to ‖z‖², which is the same for all codes.
    return Self.firstLargest(matmul(z, book, transposedB: true) * 2 - book.squared().sum(-1))
  }

  /// 1 at the first of the largest numbers of each row, else 0.
  static func firstLargest(_ x: Variable) -> Variable {
    let largest = equal(x, x.max(-1, keepingAxes: true).expanded(to: x.shape).contiguous())
    let one = x.tape.input(Tensor(repeating: 1, shape: x.shape))
    return (largest * equal(cumulativeSum(largest), one)).withoutGradient()
  }

  /// The codes with these numbers, as ``nearest(_:)`` gives them; numbers in between are rounded, those beyond are the last ones.
  func chosen(_ indices: Variable) -> Variable {
    let count = indices.shape.size
    let numbers = indices.tape.input(Tensor((0..<codes).map(Float.init), shape: [codes]))
    return Self.firstLargest(-(indices.reshaped([count, 1]) - numbers).squared())
  }

  /// The numbers of the codes that ``nearest(_:)`` chose, `[vectors, 1]`.
  func indices(_ choice: Variable) -> Variable {
    matmul(choice, choice.tape.input(Tensor((0..<codes).map(Float.init), shape: [codes, 1])))
  }

  /// The vectors of chosen codes, `[vectors, dimension]`.
  func vectors(_ choice: Variable) -> Variable { matmul(choice, codebook(choice.tape)).withoutGradient() }

  /// One step of the moving averages.
  ///
  /// - Parameters:
  ///   - z: the encoder's vectors of a batch, and which code each chose.
  func follow(_ z: Variable, _ choice: Variable) {
    let (tape, vectors) = (z.tape, z.shape[0])
    let z = z.withoutGradient()
    let decay = Self.decay
    let count = tape[counts] * decay + choice.sum(0) * (1 - decay)
    let sum = tape[sums] * decay + matmul(choice, z, transposedA: true) * (1 - decay)
    // Vectors from all over the batch for the codes that begin anew.
    let fresh = z.taking((0..<codes).map { $0 * max(vectors / codes, 1) % vectors }, axis: 0)
    let fair = Float(vectors) / Float(codes)
    let isDead = greater(tape.input(Tensor(repeating: Self.deadShare * fair, shape: [codes])), count)
    let newCount = isDead * fair + (1 - isDead) * count
    let dead = isDead.inserting(1)
    let newSum = dead * fresh * fair + (1 - dead) * sum
    tape.update(counts, newCount)
    tape.update(sums, newSum)
  }
}
