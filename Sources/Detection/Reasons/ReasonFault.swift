public import Events
import Generative
import Tensors

/// Faults of which it is known what they are, in which field and since when: what reasons are measured with.
public enum ReasonFault: String, Sendable, CaseIterable, Codable {
  /// One value far off.
  case spike
  /// Far off for a while.
  case level
  /// Mirrored at its centre: in range, but against what the other fields say.
  case relation
  /// The rows of a while in another order, all fields together.
  case order
  /// Standing still.
  case stuck
  /// A state in which every direction of the stream is as far out as it usually comes, but none is further: each value by
  /// itself is usual, and so is what any of them says of the others, yet they hardly ever come together.
  case rarity

  /// What an alert should call it.
  public var kind: Alert.Kind {
    switch self {
    case .spike, .level: .value
    case .relation: .relation
    case .order, .stuck: .sequence
    case .rarity: .rarity
    }
  }

  /// Whether one field is to blame.
  public var hasField: Bool { self != .order && self != .rarity }

  /// Events that it lasts.
  var length: Int { self == .spike ? 1 : 32 }
  /// Events over which it comes and goes.
  private static let slope = 8

  /// Plants the fault into `rows` from row `start` on.
  ///
  /// - Parameters:
  ///   - rows: long enough for ``length`` from `start`.
  ///   - field: its column.
  /// - Returns: false when these rows have no place for it; they are as they were.
  func plant(
    into rows: inout TrainingRows, at start: Int, field: Int, usual: UsualState, random: inout RandomStream
  ) -> Bool {
    let width = rows.fields.count
    let sign: Float = random.below(2) == 0 ? 1 : -1
    let range = start..<start + length
    let original = rows.values
    let column = range.map { original[$0 * width + field] }
    if hasField && column.contains(where: { !$0.isFinite }) { return false }
    let scale = usual.scales[field]
    switch self {
    case .spike:
      rows.values[start * width + field] = column[0] + sign * 10 * scale.spread
    case .level:
      for row in range { rows.values[row * width + field] += sign * 6 * scale.spread }
    case .relation:
      for row in range {
        rows.values[row * width + field] = 2 * scale.centre - original[row * width + field]
      }
      // A field that rests at its centre is its own mirror image.
      let moved = zip(range, column).reduce(Float(0)) {
        $0 + abs(rows.values[$1.0 * width + field] - $1.1)
      }
      if moved < 0.5 * scale.spread * Float(length) || usual.isOutside(rows, range, field) {
        rows.values = original
        return false
      }
    case .order:
      for (step, from) in random.permutation(length).enumerated() {
        for column in 0..<width {
          rows.values[(start + step) * width + column] = original[(start + from) * width + column]
        }
      }
      return rows.values != original
    case .stuck:
      for row in range { rows.values[row * width + field] = column[0] }
      // What hardly moved anyway does not stand still.
      return Set(column).count * 2 > length
    case .rarity:
      guard let state = usual.rareState(&random) else { return false }
      for (step, row) in range.enumerated() {
        let share = min(1, Float(min(step + 1, length - step)) / Float(Self.slope)) * 0.9
        for column in 0..<width where original[row * width + column].isFinite {
          let at = row * width + column
          rows.values[at] = usual.bounded((1 - share) * original[at] + share * state[column], column)
        }
      }
    }
    return true
  }
}

/// What is usual in some rows: scales and ranges of the fields, and the directions in which they vary together.
struct UsualState {
  /// Of each column.
  let scales: [RobustScale]
  /// Of each column what the middle 99 of 100 values lie between.
  private let ranges: [ClosedRange<Float>]
  /// In spreads; nil for rows of less than four fields, or with a field that hardly ever came.
  private let axes: PrincipalAxes?

  init(_ rows: TrainingRows) {
    let width = rows.fields.count
    var scales: [RobustScale] = []
    var ranges: [ClosedRange<Float>] = []
    for field in 0..<width {
      let sorted = (0..<rows.count).map { rows.values[$0 * width + field] }.filter(\.isFinite).sorted()
      scales.append(RobustScale(of: sorted, floor: RobustScale.fieldFloor))
      ranges.append(sorted.isEmpty ? 0...0 : sorted.quantile(0.005)...sorted.quantile(0.995))
    }
    self.scales = scales
    self.ranges = ranges
    let whole = (0..<rows.count).filter { row in
      rows.values[row * width..<(row + 1) * width].allSatisfy(\.isFinite)
    }
    guard width >= 4, whole.count >= 4 * width else {
      axes = nil
      return
    }
    let values = whole.flatMap { row in
      (0..<width).map { (rows.values[row * width + $0] - scales[$0].centre) / scales[$0].spread }
    }
    axes = try? PrincipalAxes(
      .init(rows: whole.count, columns: width, values: values.map { squash($0, limit: 6) }))
  }

  func bounded(_ value: Float, _ field: Int) -> Float {
    min(max(value, ranges[field].lowerBound), ranges[field].upperBound)
  }

  /// Whether most values of a field in some rows lie where it hardly ever is.
  func isOutside(_ rows: TrainingRows, _ range: Range<Int>, _ field: Int) -> Bool {
    let outside = range.count { !ranges[field].contains(rows.values[$0 * rows.fields.count + field]) }
    return 4 * outside > range.count
  }

  /// Two and a half deviations out along every direction, to a random side of each.
  func rareState(_ random: inout RandomStream) -> [Float]? {
    guard let axes, axes.count == axes.width else { return nil }
    var state = axes.mean
    for direction in 0..<axes.count {
      let amount = 2.5 * axes.variances[direction].squareRoot() * (random.below(2) == 0 ? 1 : -1)
      for field in state.indices { state[field] += amount * axes.directions[field * axes.count + direction] }
    }
    return state.indices.map { bounded(state[$0] * scales[$0].spread + scales[$0].centre, $0) }
  }
}
