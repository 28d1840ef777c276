/// What the numbers of rows are.
public enum Support: String, Sendable, Codable {
  case real
  /// Between 0 and 1: grey values.
  case unit
  /// 0 or 1. A number in between is the probability of a 1: training draws it anew each time it is seen (dynamic binarisation).
  case binary
}

/// How a row is to be read.
public struct RowForm: Sendable, Equatable, Codable {
  /// `[columns]`; `[height, width]` of a picture; `[steps, features]` of a sequence.
  public var shape: [Int]
  public var support: Support
  /// Classes that rows are labelled with; 0 without labels.
  public var classes: Int

  public init(shape: [Int], support: Support, classes: Int = 0) {
    self.shape = shape
    self.support = support
    self.classes = classes
  }

  /// Numbers in a row.
  public var width: Int { shape.reduce(1, *) }
}

/// Rows to learn from or to look at, with what is known about them.
public struct Records: Sendable, Equatable {
  public var matrix: DataMatrix
  public var form: RowForm
  /// The class of each row, from 0 up to `form.classes`; nil without labels.
  public var labels: [Int]?

  /// - Precondition: the form is as wide as the rows, and there is a label for each row or none at all.
  public init(_ matrix: DataMatrix, form: RowForm, labels: [Int]? = nil) {
    precondition(form.width == matrix.columns, "rows of \(matrix.columns) numbers read as \(form.shape)")
    precondition(labels == nil || labels?.count == matrix.rows, "labels for another number of rows")
    self.matrix = matrix
    self.form = form
    self.labels = labels
  }

  /// Rows whose support is read off the numbers: 0 and 1 only, between them, or anything.
  public init(_ matrix: DataMatrix, shape: [Int]? = nil, labels: [Int]? = nil) {
    var support = Support.binary
    for value in matrix.values where value != 0 && value != 1 {
      support = value >= 0 && value <= 1 ? .unit : .real
      if support == .real { break }
    }
    let classes = labels.map { ($0.max() ?? -1) + 1 } ?? 0
    self.init(
      matrix, form: RowForm(shape: shape ?? [matrix.columns], support: support, classes: classes),
      labels: labels)
  }

  public var count: Int { matrix.rows }
}
