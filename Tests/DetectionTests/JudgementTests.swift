import Glibc
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

  /// 1000 rows with a window of 100 that begins at `begin`, and scores that are 1 at `rows`.
  func recording(window begin: Int?, alarms rows: [Int]) -> NABScore.Recording {
    var labels = [Bool](repeating: false, count: 1000)
    if let begin { for row in begin..<begin + 100 { labels[row] = true } }
    var scores = [Double](repeating: 0, count: 1000)
    for row in rows { scores[row] = 1 }
    return NABScore.Recording(labels: labels, scores: scores)
  }

  @Test func `the NAB score is 100 for finding each window at once, 0 for saying nothing`() {
    let perfect = NABScore([recording(window: 300, alarms: [300]), recording(window: 700, alarms: [700])])
    #expect(abs(perfect.score - 100) < 1e-9 && perfect.threshold == 1)
    #expect(
      perfect.parts == [.init(windows: 1, found: 1, falseRows: 0), .init(windows: 1, found: 1, falseRows: 0)])
    // An alarm far from any window only costs: it is best to be silent.
    let nothing = NABScore([recording(window: 300, alarms: [900]), recording(window: nil, alarms: [200])])
    #expect(nothing.score == 0 && nothing.threshold == .infinity)
    #expect(NABScore([recording(window: nil, alarms: [])]).score.isNaN)
  }

  @Test func `the NAB score falls with delay and with false alarms by the sigmoid of the paper`() {
    func sigmoid(_ y: Double) -> Double { 2 / (1 + exp(5 * y)) - 1 }
    // Row 350 of the window 300 to 399 lies 50 rows of 100 before its end.
    let late = NABScore([recording(window: 300, alarms: [350, 360, 399])])
    #expect(abs(late.score - 50 * (sigmoid(-0.5) / sigmoid(-1) + 1)) < 1e-9)
    // 30 rows behind the window's last one, of a length of 99; and one before any window, which costs all.
    let false2 = NABScore([recording(window: 300, alarms: [200, 300, 429])])
    #expect(abs(false2.score - 50 * (2 - 0.11 + 0.11 * sigmoid(30.0 / 99))) < 1e-9)
    let strict = NABScore([recording(window: 300, alarms: [200, 300, 429])], profile: .fewFalseAlarms)
    #expect(abs(strict.score - 50 * (2 - 0.22 + 0.22 * sigmoid(30.0 / 99))) < 1e-9)
    // A miss weighs twice: of two windows one is found.
    let half = NABScore(
      [recording(window: 300, alarms: [300]), recording(window: 300, alarms: [])], profile: .fewMisses)
    #expect(abs(half.score - 50) < 1e-9)
  }

  @Test func `the first rows do not count, and one threshold holds for all recordings`() {
    #expect(NABScore.probation(rows: 1000) == 150 && NABScore.probation(rows: 100_000) == 750)
    let early = NABScore([recording(window: 300, alarms: [10, 20, 30, 300])])
    #expect(abs(early.score - 100) < 1e-9)
    // The second recording's window only shows at 0.5, where the first has 30 false rows: not worth it.
    var faint = recording(window: 300, alarms: [])
    faint.scores[300] = 0.5
    var noisy = recording(window: 300, alarms: [300])
    for row in 900..<930 { noisy.scores[row] = 0.5 }
    let both = NABScore([noisy, faint])
    #expect(both.threshold == 1 && both.parts.map(\.found) == [1, 0] && abs(both.score - 50) < 1e-9)
  }
}
