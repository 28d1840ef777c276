import Events
import Testing

@testable import Detection

/// What a stream's detector would find, measured on copies.
@Suite struct PowerTests {
  @Test func `power grows with the size of a fault, and large faults are found, named and soon`() throws {
    var signals = Signals(features: 4, noise: .autoregressive, common: 0.5, seed: 51)
    let detector = try trainedDetector(on: signals.rows(1200))
    let power = DetectionPower(of: detector, rows: signals.rows(600), rounds: 8)
    #expect(power.rounds + power.alarmed == 8 && power.rounds >= 6)
    #expect(power.curves.map(\.fault) == ShadowFault.allCases)
    for curve in power.curves {
      #expect(curve.points.allSatisfy { $0.planted == power.rounds && $0.found <= $0.planted })
      #expect(curve.points.allSatisfy { $0.delays.count == $0.found && $0.delays == $0.delays.sorted() })
    }
    for fault in [ShadowFault.spike, .step, .stuck] {
      let curve = try #require(power.curves.first { $0.fault == fault })
      let largest = try #require(curve.points.last)
      #expect(largest.share >= 0.8, "\(fault): \(largest.share)")
      #expect(largest.named * 10 >= largest.found * 8, "\(fault): \(largest.named) of \(largest.found)")
      // Five equal values are enough where values never repeat.
      if fault != .stuck {
        #expect(largest.share > curve.points[0].share, "\(fault): \(curve.points.map(\.share))")
      }
      #expect(try #require(curve.smallest) <= largest.size)
    }
  }

  @Test func `looking for the power of a detector leaves it as it is, and says the same again`() throws {
    var signals = Signals(features: 2, seed: 52)
    let detector = try trainedDetector(on: signals.rows(500))
    let state = detector.encodeState()
    let rows = signals.rows(300)
    let first = DetectionPower(of: detector, rows: rows, rounds: 2, seed: 3)
    #expect(first == DetectionPower(of: detector, rows: rows, rounds: 2, seed: 3))
    #expect(detector.encodeState() == state)
  }

  @Test func `a measurement that is told to stop ends after its first round`() throws {
    var signals = Signals(features: 2, seed: 53)
    let detector = try trainedDetector(on: signals.rows(500))
    let power = DetectionPower(of: detector, rows: signals.rows(300)) { true }
    #expect(power.rounds + power.alarmed == 1)
  }

  @Test func `the smallest size is one from which on all larger ones are found too`() {
    func point(_ size: Double, _ found: Int) -> DetectionPower.Point {
      DetectionPower.Point(size: size, planted: 10, found: found)
    }
    let curve = DetectionPower.Curve(
      fault: .step, points: [point(1, 8), point(2, 7), point(3, 8), point(5, 10)])
    #expect(curve.smallest == 3)
    #expect(DetectionPower.Curve(fault: .step, points: [point(1, 10), point(2, 7)]).smallest == nil)
  }
}
