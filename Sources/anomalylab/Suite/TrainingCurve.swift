import Datasets
import Generative

/// The losses of a training, for people to look at.
struct TrainingCurve {
  let points: [CurvePoint]
  let unit: ScoreUnit

  init(_ points: [CurvePoint], unit: ScoreUnit) {
    self.points = points
    self.unit = unit
  }

  func chart(title: String) -> Chart {
    let steps = points.map { Double($0.step) }
    let training = Chart.Series("training", x: steps, y: points.map { Double($0.loss) })
    let seen = points.filter { $0.heldOutLoss != nil }
    var chart = Chart(title: title, x: "step", y: "loss (\(unit.rawValue))", series: [training])
    if !seen.isEmpty {
      chart.series.append(
        Chart.Series(
          "held out", x: seen.map { Double($0.step) }, y: seen.map { Double($0.heldOutLoss ?? 0) }))
    }
    // A squared error may fall through powers of ten.
    let losses = chart.series.flatMap(\.y).filter(\.isFinite)
    chart.isLogarithmic = unit == .squaredError && (losses.min() ?? 0) > 0
    return chart
  }

  /// The training losses as a line of blocks, the lowest smallest.
  func line(width: Int) -> String {
    let losses = points.map { Double($0.loss) }.filter(\.isFinite)
    guard losses.count > 1, let low = losses.min(), let high = losses.max() else { return "" }
    let blocks = Array("▁▂▃▄▅▆▇█")
    let columns = min(width, losses.count)
    return String(
      (0..<columns).map { column in
        let loss = losses[column * (losses.count - 1) / max(columns - 1, 1)]
        return blocks[high > low ? Int(((loss - low) / (high - low) * 7).rounded()) : 0]
      })
  }
}
