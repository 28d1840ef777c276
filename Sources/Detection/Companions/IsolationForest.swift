import Generative
import Glibc
import Tensors

/// How few random cuts set a row apart: `2^(−E[path] / c(ψ))`, by Liu, Ting & Zhou, ICDM 2008.
struct IsolationForest: Companion {
  static let trees = 100
  static let sampled = 256

  let width: Int
  /// c(ψ): the mean path of an unsuccessful search among as many rows as each tree saw.
  private let usualPath: Float
  /// Where each tree begins.
  private let roots: [Int32]
  /// Per node: the input that is cut, or −1 in a leaf.
  private let inputs: [Int32]
  /// The cut, or in a leaf the path up to it.
  private let cuts: [Float]
  /// The node of what is not below the cut; what is below follows its node.
  private let others: [Int32]

  init(fitting data: DataMatrix, seed: UInt64) {
    var grower = Grower(data: data, random: RandomStream(seed: seed, stream: 44))
    let size = min(Self.sampled, data.rows)
    let depth = Int(ceil(log2(Double(max(size, 2)))))
    var roots: [Int32] = []
    for _ in 0..<Self.trees {
      roots.append(Int32(grower.inputs.count))
      var rows = Array(grower.random.permutation(data.rows).prefix(size))
      grower.grow(&rows, from: 0, to: size, depth: 0, most: depth)
    }
    width = data.columns
    usualPath = max(Self.meanPath(size), 1e-3)
    self.roots = roots
    inputs = grower.inputs
    cuts = grower.cuts
    others = grower.others
  }

  /// c(n) = 2 H(n − 1) − 2 (n − 1) / n
  static func meanPath(_ count: Int) -> Float {
    if count <= 1 { return 0 }
    if count == 2 { return 1 }
    let n = Double(count)
    return Float(2 * (log(n - 1) + 0.577_215_664_901_533) - 2 * (n - 1) / n)
  }

  func score(_ rows: [Float], rows count: Int, into raw: inout [Float], space: inout CompanionSpace) {
    let (rows, inputs, cuts, others) = (rows.span, inputs.span, cuts.span, others.span)
    for row in 0..<count {
      var path: Float = 0
      for tree in roots.indices {
        var node = Int(roots[tree])
        while inputs[node] >= 0 {
          node = rows[row * width + Int(inputs[node])] < cuts[node] ? node + 1 : Int(others[node])
        }
        path += cuts[node]
      }
      raw[row] = exp2f(-path / (Float(roots.count) * usualPath))
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(width))
    writer.append(usualPath)
    writer.append(UInt32(roots.count))
    for root in roots { writer.append(UInt32(bitPattern: root)) }
    writer.append(UInt32(inputs.count))
    for node in inputs.indices {
      writer.append(UInt32(bitPattern: inputs[node]))
      writer.append(cuts[node])
      writer.append(UInt32(bitPattern: others[node]))
    }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let width = Int(try reader.uint32())
    usualPath = try reader.finiteFloat()
    var starts: [Int32] = []
    for _ in 0..<(try reader.count(of: 4)) { starts.append(Int32(bitPattern: try reader.uint32())) }
    var (cutInputs, cuts, seconds): ([Int32], [Float], [Int32]) = ([], [], [])
    for _ in 0..<(try reader.count(of: 12)) {
      cutInputs.append(Int32(bitPattern: try reader.uint32()))
      cuts.append(try reader.finiteFloat())
      seconds.append(Int32(bitPattern: try reader.uint32()))
    }
    // A walk goes to later nodes only, so it ends; and it ends in a leaf, because the last node is one.
    let nodes = cutInputs.count
    var isSound = width > 0 && usualPath > 0 && nodes > 0 && !starts.isEmpty
    for start in starts where start < 0 || Int(start) >= nodes { isSound = false }
    for node in 0..<nodes where cutInputs[node] >= 0 {
      if Int(cutInputs[node]) >= width || Int(seconds[node]) <= node || Int(seconds[node]) >= nodes {
        isSound = false
      }
    }
    if let last = cutInputs.last, last >= 0 { isSound = false }
    guard isSound else {
      throw .invalid(section: reader.section, what: "an impossible forest of \(nodes) nodes")
    }
    self.width = width
    roots = starts
    inputs = cutInputs
    self.cuts = cuts
    others = seconds
  }

  private struct Grower {
    let data: DataMatrix
    var random: RandomStream
    var inputs: [Int32] = []
    var cuts: [Float] = []
    var others: [Int32] = []

    init(data: DataMatrix, random: RandomStream) {
      self.data = data
      self.random = random
    }

    mutating func grow(_ rows: inout [Int], from: Int, to: Int, depth: Int, most: Int) {
      let n = data.columns
      let node = inputs.count
      inputs.append(-1)
      cuts.append(Float(depth) + IsolationForest.meanPath(to - from))
      others.append(0)
      if depth >= most || to - from <= 1 { return }
      // Inputs that do not vary among these rows cannot be cut.
      var input = -1
      var (low, high): (Float, Float) = (0, 0)
      for candidate in random.permutation(n) {
        (low, high) = (.infinity, -.infinity)
        for index in from..<to {
          let value = data.values[rows[index] * n + candidate]
          low = min(low, value)
          high = max(high, value)
        }
        if high > low {
          input = candidate
          break
        }
      }
      if input < 0 { return }
      let cut = min(max(low + random.uniform() * (high - low), low.nextUp), high)
      var middle = from
      for index in from..<to where data.values[rows[index] * n + input] < cut {
        rows.swapAt(index, middle)
        middle += 1
      }
      inputs[node] = Int32(input)
      cuts[node] = cut
      grow(&rows, from: from, to: middle, depth: depth + 1, most: most)
      others[node] = Int32(inputs.count)
      grow(&rows, from: middle, to: to, depth: depth + 1, most: most)
    }
  }
}
