public import Tensors

/// How weights begin.
public enum Initializer: Sendable, Equatable {
  /// Uniform with variance `2 / (inputs + outputs)`, for tanh and sigmoid (Glorot & Bengio 2010).
  case glorot
  /// Normal with variance `2 / inputs`, for rectifiers (He et al. 2015).
  case he
  case normal(deviation: Float)
  case uniform(bound: Float)
  case constant(Float)
  /// Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014): keeps the length of signals through time.
  case orthogonal

  /// - Parameters:
  ///   - inputs: numbers that flow into one output: channels times the size of a kernel.
  ///   - outputs: numbers that one input flows into.
  public func values(_ count: Int, inputs: Int, outputs: Int, random: inout RandomStream) -> [Float] {
    switch self {
    case .glorot:
      let bound = (6 / Float(inputs + outputs)).squareRoot()
      return random.uniforms(count).map { (2 * $0 - 1) * bound }
    case .he:
      let deviation = (2 / Float(inputs)).squareRoot()
      return random.normals(count).map { $0 * deviation }
    case .normal(let deviation): return random.normals(count).map { $0 * deviation }
    case .uniform(let bound): return random.uniforms(count).map { (2 * $0 - 1) * bound }
    case .constant(let value): return [Float](repeating: value, count: count)
    case .orthogonal:
      precondition(count == inputs * outputs, "\(count) numbers of an orthogonal \(inputs) × \(outputs)")
      return Self.orthogonal(inputs, outputs, random: &random)
    }
  }

  /// Gram and Schmidt on normal vectors, in double precision.
  private static func orthogonal(_ inputs: Int, _ outputs: Int, random: inout RandomStream) -> [Float] {
    let (few, many) = (min(inputs, outputs), max(inputs, outputs))
    var vectors: [[Double]] = []
    while vectors.count < few {
      var vector = random.normals(many).map(Double.init)
      for _ in 0..<2 {
        for other in vectors {
          let share = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for i in 0..<many { vector[i] -= share * other[i] }
        }
      }
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // Never for normal numbers, but a division by nothing would be worse than another draw.
      guard length > 1e-6 else { continue }
      vectors.append(vector.map { $0 / length })
    }
    return (0..<inputs * outputs).map { i in
      let (row, column) = (i / outputs, i % outputs)
      return Float(inputs <= outputs ? vectors[row][column] : vectors[column][row])
    }
  }
}
