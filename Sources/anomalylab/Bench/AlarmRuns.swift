import Control

/// How many rows lay between false alarms, with a standard error that holds for alarms that come in bundles.
struct AlarmRuns {
  /// Rows over which alarms are counted together: what is further apart is taken as independent.
  static let blockRows = 1000

  private(set) var rows = 0
  private(set) var alarms = 0
  private var blocks: [(rows: Int, alarms: Int)] = []

  /// Takes the next row of a recording.
  mutating func add(isAlarm: Bool) {
    if blocks.last.map({ $0.rows >= Self.blockRows }) ?? true { blocks.append((0, 0)) }
    blocks[blocks.count - 1].rows += 1
    rows += 1
    guard isAlarm else { return }
    blocks[blocks.count - 1].alarms += 1
    alarms += 1
  }

  mutating func add(_ other: AlarmRuns) {
    rows += other.rows
    alarms += other.alarms
    blocks += other.blocks
  }

  /// Rows for each alarm; the rows that there were where there was none, which is the least that it can be.
  var length: Double { Double(rows) / Double(max(1, alarms)) }

  /// Of ``length``, in rows: that of a ratio of sums over blocks (Cochran 1977, eq. 6.13), through the derivative of 1 / rate; nil
  /// where fewer than two blocks or no alarms say nothing.
  var standardError: Double? {
    guard alarms > 0, blocks.count > 1 else { return nil }
    let rate = Double(alarms) / Double(rows)
    let squares = blocks.reduce(0.0) { sum, block in
      let off = Double(block.alarms) - rate * Double(block.rows)
      return sum + off * off
    }
    let count = Double(blocks.count)
    let ofRate = (count / (count - 1) * squares).squareRoot() / Double(rows)
    return ofRate / (rate * rate)
  }

  /// What stands beside the figure: how many alarms in how many rows, and the standard error.
  var note: String {
    if alarms == 0 { return "no alarm in \(rows) rows" }
    let error = standardError.map { ", standard error \(Readable.number($0)) rows" } ?? ""
    return "\(alarms) alarm\(alarms == 1 ? "" : "s") in \(rows) rows\(error)"
  }
}
