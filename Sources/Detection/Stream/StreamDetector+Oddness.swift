import Glibc

/// The score that orders events far apart in time: by the thresholds of the training, and by what begins.
extension StreamDetector {
  /// By how much an event's bounded figure is above the recent past, and above this time of other days; a little of it stays for a
  /// while.
  @inline(__always)
  mutating func begun(_ bounded: Float, at time: Double, _ contents: StreamModel.Contents) -> Float {
    guard contents.plan.ordered else { return 0 }
    guard let turning = contents.turning else { return memory.begun(bounded) }
    let place = turning.place(time)
    let usual = recurring.usual(at: place, of: turning)
    recurring.add(bounded, at: place, of: turning)
    return memory.begun(bounded, above: usual)
  }
}

extension StreamModel.Contents {
  /// 0…100 of a standardised combined figure, by the thresholds of the training, and of by how much it is above the recent past.
  ///
  /// −ln p of the figure plus the weighted beginning, `x`, as `100 (1 − e^(−x/4))`; beyond ``saturation`` it goes on as
  /// `100 (1 − e^(−x₀/4) x₀/x)`, so that the order of the very strange is not lost in the digits.
  func oddness(_ u: Float, beginning: Float) -> Double {
    let x = Double(weightOfBeginnings * beginning - combinedReading.logP(u))
    let shown = min(x, Self.saturation)
    return 100 * (1 - exp(-shown / 4) * shown / max(x, 1e-9))
  }

  private static var saturation: Double { 40 }
}
