import Testing

@testable import Detection

@Suite struct JudgementTests {
  /// Numbers of a small generator, half as much again on some labelled rows.
  func example() -> (labels: [Bool], scores: [Double]) {
    var labels = [Bool](repeating: false, count: 600)
    for range in [50..<60, 200..<240, 250..<252, 590..<600] { for row in range { labels[row] = true } }
    var state: UInt64 = 12345
    let scores = (0..<600).map { row -> Double in
      state = (state &* 1_103_515_245 &+ 12345) % 2_147_483_648
      return Double((state >> 8) % 1000) / 1000 + (labels[row] && row % 3 == 0 ? 0.5 : 0)
    }
    return (labels, scores)
  }

  @Test func `the volume under the surface is what its authors' program gives`() {
    // From RangeAUC_volume_opt of TSB-AD 1.5 on the same numbers.
    let (labels, scores) = example()
    for (window, expected) in [
      (0, 0.2133491840058124), (1, 0.2133491840058124), (10, 0.2328951086799871), (60, 0.36186396424122425),
    ] {
      let volume = VolumeUnderSurface.precisionRecall(labels: labels, scores: scores, window: window)
      #expect(abs(volume - expected) < 1e-9, "window \(window): \(volume)")
    }
    let tied = VolumeUnderSurface.precisionRecall(
      labels: labels, scores: scores.map { ($0 * 10).rounded(.toNearestOrEven) / 10 }, window: 20)
    #expect(abs(tied - 0.22627866632312005) < 1e-9, "\(tied)")
  }

  @Test func `a score that is the truth reaches nearly all of the volume, one without labels none at all`() {
    let (labels, _) = example()
    let truth = VolumeUnderSurface.precisionRecall(
      labels: labels, scores: labels.map { $0 ? 1 : 0 }, window: 0)
    #expect(truth > 0.9)
    #expect(
      VolumeUnderSurface.precisionRecall(labels: [false, false], scores: [1, 2], window: 3).isNaN)
  }

  @Test func `events and alarms are counted as such, not by their rows`() throws {
    // Two events; the first is found three rows late, the second not; two runs of alarms are false.
    var labels = [Bool](repeating: false, count: 100)
    var p = [Double](repeating: 1, count: 100)
    for row in 20..<30 { labels[row] = true }
    for row in 60..<70 { labels[row] = true }
    for row in [23, 24, 25, 40, 42, 90] { p[row] = 1e-6 }
    let figures = EventFigures(
      labels: labels, pValues: p, times: (0..<100).map { Double($0) * 60 }, threshold: 1e-3)
    #expect(figures.events == 2 && figures.found == 1)
    #expect(figures.episodes == 3 && figures.falseEpisodes == 2)
    #expect(figures.delays == [180])
    #expect(
      abs(figures.precision - 1.0 / 3) < 1e-12 && figures.recall == 0.5 && abs(figures.f1 - 0.4) < 1e-12)
    #expect(abs(figures.falseRows - 3.0 / 80) < 1e-12)
    let weeks = 99 * 60 * 0.8 / 604_800
    #expect(abs(figures.falseAlarmsPerWeek - 2 / weeks) < 1e-6)
  }

  @Test func `an alarm that began before an event and lasts into it is no false one`() {
    var labels = [Bool](repeating: false, count: 40)
    for row in 20..<25 { labels[row] = true }
    let p = (0..<40).map { (17..<22).contains($0) ? 1e-9 : 1 }
    let figures = EventFigures(labels: labels, pValues: p, times: (0..<40).map(Double.init), threshold: 1e-4)
    #expect(
      figures.episodes == 1 && figures.falseEpisodes == 0 && figures.found == 1 && figures.delays == [0])
  }
}
