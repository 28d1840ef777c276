import Glibc

/// How far the recent values of a field are distributed from those before: the two-sample Kolmogorov–Smirnov test.
///
/// Values of a stream depend on those before them, which makes far differences common; so each sample counts for as many
/// values as it has independent ones. Of many fields the p-values are adjusted by Holm's rule.
public struct FieldDrift: Sendable, Equatable {
  public var name: String
  /// Largest difference of the two distribution functions, 0…1.
  public var distance: Double
  /// Of a difference at least so large, were nothing changed; adjusted for the number of fields.
  public var pValue: Double
  /// Medians.
  public var before: Double
  public var now: Double
  /// Usual spreads.
  public var spreadBefore: Double
  public var spreadNow: Double

  /// Observed values of each sample that are needed.
  public static let least = 32

  /// Strongest first; fields with too few values are left out.
  public static func drifts(from reference: TrainingRows, to recent: TrainingRows) -> [FieldDrift] {
    var drifts: [FieldDrift] = []
    for (column, name) in recent.fields.enumerated() {
      guard let other = reference.fields.firstIndex(of: name) else { continue }
      let old = observed(reference, other)
      let new = observed(recent, column)
      guard old.count >= least, new.count >= least else { continue }
      let (first, second) = (old.sorted(), new.sorted())
      let distance = distance(first, second)
      let independent = (ScoreCalibration.independentCount(old), ScoreCalibration.independentCount(new))
      let scales = (
        RobustScale(of: first, floor: RobustScale.fieldFloor),
        RobustScale(of: second, floor: RobustScale.fieldFloor)
      )
      drifts.append(
        FieldDrift(
          name: name, distance: distance, pValue: pValue(distance, independent.0, independent.1),
          before: Double(scales.0.centre), now: Double(scales.1.centre),
          spreadBefore: Double(scales.0.spread), spreadNow: Double(scales.1.spread)))
    }
    drifts.sort { ($0.pValue, $1.distance, $0.name) < ($1.pValue, $0.distance, $1.name) }
    var highest = 0.0
    for index in drifts.indices {
      highest = max(highest, min(1, drifts[index].pValue * Double(drifts.count - index)))
      drifts[index].pValue = highest
    }
    return drifts
  }

  private static func observed(_ rows: TrainingRows, _ column: Int) -> [Float] {
    (0..<rows.count).map { rows.values[$0 * rows.fields.count + column] }.filter(\.isFinite)
  }

  /// Of two sorted samples; equal values are stepped over together.
  static func distance(_ first: [Float], _ second: [Float]) -> Double {
    var (i, j) = (0, 0)
    var largest = 0.0
    while i < first.count && j < second.count {
      let value = min(first[i], second[j])
      while i < first.count && first[i] == value { i += 1 }
      while j < second.count && second[j] == value { j += 1 }
      largest = max(largest, abs(Double(i) / Double(first.count) - Double(j) / Double(second.count)))
    }
    return largest
  }

  /// Kolmogorov's distribution with Stephens' correction for small samples.
  static func pValue(_ distance: Double, _ first: Double, _ second: Double) -> Double {
    let root = (first * second / (first + second)).squareRoot()
    let lambda = (root + 0.12 + 0.11 / root) * distance
    if lambda < 0.2 { return 1 }
    var sum = 0.0
    for k in 1...100 {
      let term = exp(-2 * Double(k * k) * lambda * lambda)
      sum += k % 2 == 1 ? term : -term
      if term < 1e-16 * sum { break }
    }
    return min(1, max(0, 2 * sum))
  }
}
