import Tensors

/// The mean square of some neighbouring inputs: nothing is learned but their scales.
struct MeanSquare: Companion {
  let width: Int
  private let first: Int
  private let count: Int

  init(width: Int, first: Int, count: Int) {
    self.width = width
    self.first = first
    self.count = count
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    for row in 0..<rows { raw[row] = 0 }
    Distances.addSquares(rows: rows, columns: count, inputs, from: first, step: width, to: &raw)
    for row in 0..<rows { raw[row] /= Float(count) }
  }

  func encode(to writer: inout ByteWriter) {
    for number in [width, first, count] { writer.append(UInt32(number)) }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    self.init(
      width: Int(try reader.uint32()), first: Int(try reader.uint32()), count: Int(try reader.uint32()))
    guard count > 0, first + count <= width else {
      throw .invalid(section: reader.section, what: "inputs \(first) to \(first + count) of \(width)")
    }
  }
}
