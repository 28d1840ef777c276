/// How far a score can be relied on, 0…1: by how much of its event was there, and by how much its p-value rests on.
///
/// `c = (1 − m) · k / (k + 1)`, where m is the share of the model's fields that did not come, and k a tenth of the independent
/// rows that were held out for the calibration (``ScoreCalibration/independentCount(_:)``).
///
/// A value that was filled in counts as one that did not come: it says what the others said already. The p-values that matter lie
/// in the tail, whose scale comes from the highest tenth of the held-out figures; of k excesses it is known with a relative
/// variance of 1/k, and what is known so well is weighed by 1 / (1 + 1/k), as in any mean of what was measured and what is
/// believed beforehand. Figures carry their past along, so that a quarter of 600 rows is worth some 27 independent ones, and c is
/// .73; of 64 rows it is about .47, of 5000 about .9.
///
/// It is 0 before the first model, and for an event of which nothing came.
enum Confidence {
  /// - Parameters:
  ///   - missing: share of the fields that did not come, 0…1.
  ///   - rows: independent held-out rows, see ``StreamModel/Contents/heldOutWorth``.
  static func of(missing: Float, rows: Float) -> Float {
    let excesses = rows / 10
    return (1 - missing) * excesses / (excesses + 1)
  }
}
