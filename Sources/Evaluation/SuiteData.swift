public import Datasets
public import Generative
import Tensors

/// The public data that the suite is measured on, in a folder as it is laid out by their collectors: `mnist/`, `binary/`, ….
public struct SuiteData: Sendable {
  public let folder: String
  public init(folder: String) { self.folder = folder }

  /// Which rows of a data set.
  public enum Part: String, Sendable {
    case train
    case valid
    case test
  }

  /// Grey values between 0 and 1, 28 × 28, with the digits as labels where asked for.
  public func mnist(_ part: Part, labelled: Bool = false) throws(DataError) -> Records {
    let stem = part == .train ? "train" : "t10k"
    let pictures = try DataFile.read("\(folder)/mnist/\(stem)-images-idx3-ubyte.gz")
    var labels: [Int]?
    if labelled {
      labels = try DataFile.read("\(folder)/mnist/\(stem)-labels-idx1-ubyte.gz").values.map { Int($0) }
    }
    let matrix = DataMatrix(
      rows: pictures.rows, columns: pictures.width, values: pictures.values.map { $0 / 255 })
    let classes = labelled ? 10 : 0
    return Records(
      matrix, form: RowForm(shape: [28, 28], support: .unit, classes: classes), labels: labels)
  }

  /// One of the sets of binary variables: `nltcs`, `dna`.
  public func binary(_ name: String, _ part: Part) throws(DataError) -> Records {
    let rows = try DataFile.read("\(folder)/binary/\(name).\(part.rawValue).csv.gz")
    let matrix = DataMatrix(rows: rows.rows, columns: rows.width, values: rows.values)
    return Records(matrix, form: RowForm(shape: [rows.width], support: .binary))
  }

  /// The eleven measurements of red wines, without the grade, each of mean 0 and deviation 1.
  public func redWine() throws(DataError) -> Records {
    let rows = try DataFile.read("\(folder)/winequality-red.csv").without(["quality"])
    var values = rows.values
    for column in 0..<rows.width {
      let places = stride(from: column, to: values.count, by: rows.width)
      let mean = places.reduce(0.0) { $0 + Double(values[$1]) } / Double(rows.rows)
      let variance = places.reduce(0.0) { $0 + (Double(values[$1]) - mean) * (Double(values[$1]) - mean) }
      let deviation = (variance / Double(rows.rows)).squareRoot()
      for place in places { values[place] = Float((Double(values[place]) - mean) / deviation) }
    }
    return Records(
      DataMatrix(rows: rows.rows, columns: rows.width, values: values),
      form: RowForm(shape: [rows.width], support: .real))
  }

  /// `shakespeare.txt` or another text of the folder.
  public func text(_ name: String) throws(DataError) -> DataArray { try DataFile.read("\(folder)/\(name)") }
}

extension Records {
  /// Grey values made bits, each 1 with its own probability: stochastic binarisation, once, by seed.
  public func binarised(seed: UInt64) -> Records {
    var random = RandomStream(seed: seed, stream: 0xb1)
    var bits = random.uniforms(matrix.values.count)
    for i in bits.indices { bits[i] = bits[i] < matrix.values[i] ? 1 : 0 }
    var form = form
    form.support = .binary
    return Records(
      DataMatrix(rows: matrix.rows, columns: matrix.columns, values: bits, mask: matrix.mask), form: form,
      labels: labels)
  }

  /// The same rows, read as probabilities of bits that training draws anew each time.
  public func asProbabilities() -> Records {
    precondition(form.support != .real, "real numbers are no probabilities")
    var records = self
    records.form.support = .binary
    return records
  }

  /// Pictures of half the size: means of 2 × 2 pixels.
  public func halved() -> Records {
    precondition(
      form.shape.count == 2 && form.shape.allSatisfy { $0 % 2 == 0 }, "pictures of \(form.shape) halved")
    let (height, width) = (form.shape[0] / 2, form.shape[1] / 2)
    var values: [Float] = []
    values.reserveCapacity(count * height * width)
    for row in 0..<count {
      for y in 0..<height {
        for x in 0..<width {
          let at = row * matrix.columns + 2 * y * form.shape[1] + 2 * x
          let below = at + form.shape[1]
          values.append(
            (matrix.values[at] + matrix.values[at + 1] + matrix.values[below] + matrix.values[below + 1]) / 4)
        }
      }
    }
    var form = form
    form.shape = [height, width]
    return Records(
      DataMatrix(rows: count, columns: height * width, values: values), form: form, labels: labels)
  }

  /// These rows, in this order.
  public func rows(_ indices: some Collection<Int>) -> Records {
    let columns = matrix.columns
    func picked(_ values: [Float]) -> [Float] {
      var result: [Float] = []
      result.reserveCapacity(indices.count * columns)
      for row in indices { result += values[row * columns..<(row + 1) * columns] }
      return result
    }
    return Records(
      DataMatrix(
        rows: indices.count, columns: columns, values: picked(matrix.values), mask: matrix.mask.map(picked)),
      form: form, labels: labels.map { labels in indices.map { labels[$0] } })
  }
}
