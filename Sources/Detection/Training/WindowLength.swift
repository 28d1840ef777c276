/// How many rows the detectors of windows see at once, chosen from the rows themselves.
///
/// Windows are ``long`` where rows that far apart still have to do with each other: the root mean square of the autocorrelation
/// at the lags beyond the usual window is above 2/√n, the 95 % bound of a series without any (Bartlett 1946; Box & Pierce 1970
/// sum the same squares). In between the usual length holds. Shorter windows were tried and lose, however soon the
/// autocorrelation falls: what they cannot see at once they cannot find.
enum WindowLength {
  static let long = 32
  /// Rows to learn from for each row of a window, at least.
  private static let rowsPerStep = 8
  /// Numbers in a long window at most: components of wider ones cost too much.
  private static let widest = PrincipalAxes.widest / 2

  /// - Parameters:
  ///   - values: `rows × fields`, NaN missing, oldest first.
  ///   - use: one per row; others do not count.
  ///   - fittedShare: of the rows that count, the older ones that are fitted on.
  ///   - usual: the length where there is no reason for another.
  static func chosen(
    _ values: [Float], fields: Int, use: [Bool], fittedShare: Double, usual: Int
  ) -> Int {
    let rows = Int(Double(use.count) * fittedShare)
    guard usual < long, long * fields <= widest, rows >= rowsPerStep * long else { return usual }
    let strengths = (0..<fields).compactMap { field -> Double? in
      let column = (0..<rows).map { row -> Double in
        use[row] ? Double(values[row * fields + field]) : .nan
      }
      return strength(column, lags: usual + 1...long)
    }.sorted()
    guard !strengths.isEmpty else { return usual }
    return strengths[strengths.count / 2] > 4 ? long : usual
  }

  /// n times the mean squared autocorrelation at these lags, about 1 for white noise; nil for a constant. What is missing counts as
  /// the mean.
  static func strength(_ column: [Double], lags: ClosedRange<Int>) -> Double? {
    let finite = column.filter(\.isFinite)
    guard finite.count > 2 * lags.upperBound else { return nil }
    let mean = finite.reduce(0, +) / Double(finite.count)
    let centred = column.map { $0.isFinite ? $0 - mean : 0 }
    let variance = centred.reduce(0) { $0 + $1 * $1 }
    guard variance > 0, variance.isFinite else { return nil }
    var squares = 0.0
    for lag in lags {
      var sum = 0.0
      for row in lag..<centred.count { sum += centred[row] * centred[row - lag] }
      squares += (sum / variance) * (sum / variance)
    }
    return Double(finite.count) * squares / Double(lags.count)
  }
}
