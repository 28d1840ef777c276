import Generative
import Tensors

/// The distance of a row to the nearest of a few points of its space: centres of clusters, or remembered rows.
struct NearestPoint: Companion {
  static let centres = 10
  /// Rows that are remembered: as many as hold so many numbers, within these bounds.
  static let rememberedNumbers = 16_384
  static let remembered = 64...1024
  /// Rows that clustering looks at, at most.
  static let clusteredRows = 4096

  let width: Int
  private let points: Int
  /// `width × squares.count`, a column for each point.
  private let columns: [Float]
  /// Squared lengths of the points; up to a multiple of 16 infinite ones follow, which are nearest to nothing.
  private let squares: [Float]

  /// Centres by Lloyd's algorithm, begun with points far from each other (Arthur & Vassilvitskii 2007).
  init(clustering data: DataMatrix, seed: UInt64) {
    self.init(
      points: KMeans.centres(
        data, count: min(Self.centres, max(1, data.rows / 8)), mostRows: Self.clusteredRows, seed: seed),
      width: data.columns)
  }

  /// Rows drawn at random.
  init(remembering data: DataMatrix, seed: UInt64) {
    var random = RandomStream(seed: seed, stream: 41)
    let count = Self.rememberedNumbers / max(data.columns, 1)
    let most = min(max(count, Self.remembered.lowerBound), Self.remembered.upperBound)
    let chosen = random.permutation(data.rows).prefix(most).sorted()
    self.init(
      points: chosen.flatMap { data.values[$0 * data.columns..<($0 + 1) * data.columns] }, width: data.columns
    )
  }

  private init(points rows: [Float], width: Int) {
    self.width = width
    let points = rows.count / width
    self.points = points
    let more = (16 - points % 16) % 16
    columns = VectorMath.transpose(
      rows + [Float](repeating: 0, count: more * width), rows: points + more, columns: width)
    squares =
      (0..<points).map { point in
        rows[point * width..<(point + 1) * width].reduce(0) { $0 + $1 * $1 }
      } + [Float](repeating: .infinity, count: more)
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    space.grow(squares: rows)
    for row in 0..<rows { space.squares[row] = 0 }
    Distances.addSquares(rows: rows, columns: width, inputs, step: width, to: &space.squares)
    Distances.nearest(
      rows: rows, width: width, inputs, columns: columns, squares: squares, into: &raw)
    for row in 0..<rows { raw[row] = max(0, space.squares[row] + raw[row]).squareRoot() }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(width))
    let rows = VectorMath.transpose(columns, rows: width, columns: squares.count)
    writer.append(Array(rows.prefix(points * width)))
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let width = Int(try reader.uint32())
    let rows = try reader.finiteFloats()
    guard width > 0, !rows.isEmpty, rows.count % width == 0 else {
      throw .invalid(section: reader.section, what: "\(rows.count) numbers for points of \(width)")
    }
    self.init(points: rows, width: width)
  }
}

/// Lloyd's algorithm.
enum KMeans {
  static let iterations = 24

  /// The centres, row after row.
  static func centres(_ data: DataMatrix, count: Int, mostRows: Int, seed: UInt64) -> [Float] {
    let n = data.columns
    var random = RandomStream(seed: seed, stream: 42)
    let chosen = random.permutation(data.rows).prefix(mostRows).sorted()
    let rows = chosen.flatMap { data.values[$0 * n..<($0 + 1) * n] }
    let size = chosen.count
    let count = min(count, size)
    var centres = begin(rows, size, n, count, &random)
    var products = [Float](repeating: 0, count: size * count)
    var nearest = [Int](repeating: -1, count: size)
    for _ in 0..<iterations {
      Product.multiply(m: size, n: count, k: n, rows, centres, otherTransposed: true, into: &products)
      let squares = (0..<count).map { c in centres[c * n..<(c + 1) * n].reduce(0) { $0 + $1 * $1 } }
      var changed = false
      for row in 0..<size {
        var (best, least) = (0, Float.infinity)
        for c in 0..<count {
          let distance = squares[c] - 2 * products[row * count + c]
          if distance < least { (best, least) = (c, distance) }
        }
        if nearest[row] != best {
          nearest[row] = best
          changed = true
        }
      }
      if !changed { break }
      var sums = [Float](repeating: 0, count: count * n)
      var counts = [Float](repeating: 0, count: count)
      for row in 0..<size {
        let c = nearest[row]
        counts[c] += 1
        for j in 0..<n { sums[c * n + j] += rows[row * n + j] }
      }
      // An empty cluster keeps its centre.
      for c in 0..<count where counts[c] > 0 {
        for j in 0..<n { centres[c * n + j] = sums[c * n + j] / counts[c] }
      }
    }
    return centres
  }

  /// Each next point with a probability that goes by its squared distance to those before.
  private static func begin(
    _ rows: [Float], _ size: Int, _ n: Int, _ count: Int, _ random: inout RandomStream
  ) -> [Float] {
    var picked = [random.below(size)]
    var distances = [Float](repeating: .infinity, count: size)
    while picked.count < count {
      let last = picked[picked.count - 1]
      var total = 0.0
      for row in 0..<size {
        var distance: Float = 0
        for j in 0..<n {
          let difference = rows[row * n + j] - rows[last * n + j]
          distance += difference * difference
        }
        distances[row] = min(distances[row], distance)
        total += Double(distances[row])
      }
      var left = Double(random.uniform()) * total
      var next = size - 1
      for row in 0..<size {
        left -= Double(distances[row])
        if left <= 0 {
          next = row
          break
        }
      }
      picked.append(next)
    }
    return picked.flatMap { rows[$0 * n..<($0 + 1) * n] }
  }
}
