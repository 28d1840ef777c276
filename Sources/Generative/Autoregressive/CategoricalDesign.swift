public import Gradients
import Networks
import Tensors

/// An autoregressive design whose conditionals are distributions over levels.
public protocol CategoricalDesign: AutoregressiveDesign, InpaintingDesign {
  /// How each number is distributed given those before it.
  var distribution: LevelDistribution { get }
  /// Classes that it is told of; 0 for none.
  var classes: Int { get }

  /// What foretells each number from those before it: `[rows, width]` for bits, otherwise `[rows, width, outputs]`.
  func logits(_ rows: Rows) -> Variable
}

extension CategoricalDesign {
  public static var likelihoodKind: LikelihoodKind { .exact }
  public var classes: Int { 0 }
  public var distribution: LevelDistribution { .bits }
  var levels: Int { distribution.levels }

  /// Of rows without labels where there are classes: those of the mixture of all classes in equal shares.
  public func conditionals(_ rows: Rows) -> Variable {
    guard classes > 0, rows.labels == nil else { return ownConditionals(rows) }
    // log p(x up to j) of each class, then of the mixture; its differences are the conditionals.
    let sums = (0..<classes).map { label -> Variable in
      let labels = rows.tape.input(Tensor(repeating: Float(label), shape: [rows.count]))
      let each = ownConditionals(Rows(rows.x, labels: labels, isTraining: rows.isTraining))
      return cumulativeSum(inOrder(each)).inserting(1)
    }
    let mixture =
      logSumExp(concatenate(sums, axis: 1), axis: 1) - log(rows.tape.input(.scalar(Float(classes))))
    let before = padded(mixture, (before: 1, after: 0), axes: [1])[1, 0..<order.count]
    return inPlaces(mixture - before)
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable { conditionals(rows).sum(-1) }

  /// What is missing is foretold for nothing.
  public func loss(_ rows: Rows) -> Variable { -conditionals(rows).observed(rows.mask).sum(-1).mean() }

  private func ownConditionals(_ rows: Rows) -> Variable {
    distribution.logDensity(rows.x, given: logits(rows))
  }

  private var isInOrder: Bool { order == Array(0..<order.count) }
  private func inOrder(_ x: Variable) -> Variable { isInOrder ? x : x.taking(order, axis: 1) }
  private func inPlaces(_ x: Variable) -> Variable {
    guard !isInOrder else { return x }
    var rank = [Int](repeating: 0, count: order.count)
    for (i, place) in order.enumerated() { rank[place] = i }
    return x.taking(rank, axis: 1)
  }
}

// MARK: samples

extension CategoricalDesign {
  /// Logits per number.
  var outputs: Int { distribution.outputs }

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    sampleNaively(request, buffer)
  }

  /// Number after number, each from one pass over the row so far.
  public func sampleNaively(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    var rows = LabelledRows(
      [Float](repeating: 0, count: request.count * order.count), count: request.count,
      labels: labels(of: request))
    let plan = NetworkPlan(buffer, row: rows.row) { logits(rows.split($0)) }
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    for place in order {
      let logits = plan.run(rows.values, rows: rows.indices)
        .reshaped([request.count, order.count, outputs]).sliced(1, from: place, count: 1).values
      rows.set(place, distribution.draw(logits, &random))
    }
    return rows.numbers
  }

  /// The classes asked for; drawn where none were.
  func labels(of request: SampleRequest) -> [Int]? {
    guard classes > 0 else { return nil }
    if let labels = request.labels { return labels }
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(1))
    return (0..<request.count).map { _ in random.below(classes) }
  }
}

/// Rows for a plan, with the class of each behind its numbers where there are classes.
struct LabelledRows {
  private(set) var values: [Float]
  let width: Int
  let count: Int
  let indices: ArraySlice<Int>
  /// The numbers of a row and perhaps its label.
  private let stride: Int

  /// - Parameter numbers: `count × width`.
  init(_ numbers: [Float], count: Int, labels: [Int]?) {
    self.count = count
    let width = numbers.count / max(count, 1)
    self.width = width
    indices = Array(0..<count)[...]
    stride = width + (labels == nil ? 0 : 1)
    values =
      labels.map { labels in
        (0..<count).flatMap { numbers[$0 * width..<($0 + 1) * width] + [Float(labels[$0])] }
      } ?? numbers
  }

  var row: Shape { [stride] }

  /// A batch of ``values`` as a design sees it.
  func split(_ x: Variable) -> Rows {
    stride == width ? Rows(x) : Rows(x[1, 0..<width], labels: x[1, width..<stride].reshaped([x.shape[0]]))
  }

  subscript(row: Int, place: Int) -> Float {
    get { values[row * stride + place] }
    set { values[row * stride + place] = newValue }
  }

  /// One number of every row.
  mutating func set(_ place: Int, _ column: [Float]) {
    for row in 0..<count { self[row, place] = column[row] }
  }

  /// Without labels.
  var numbers: [Float] {
    stride == width ? values : (0..<count).flatMap { values[$0 * stride..<$0 * stride + width] }
  }
}
