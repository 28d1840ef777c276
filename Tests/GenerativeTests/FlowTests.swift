import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

/// What makes a flow a flow, for every member.
@Suite struct FlowTests {
  static let subjects =
    [1, 2, 5].flatMap { FlowSubject.all(width: $0) } + FlowSubject.all(width: 3, classes: 2)

  private func rows(_ count: Int, _ subject: FlowSubject, seed: UInt64) -> (rows: [Float], labels: [Int]?) {
    var random = RandomStream(seed: seed)
    let rows = random.normals(count * subject.width).map { 1.2 * $0 }
    return (rows, subject.classes > 0 ? (0..<count).map { $0 % subject.classes } : nil)
  }

  @Test("rows come back from what they are mapped onto", arguments: subjects)
  func inverse(subject: FlowSubject) throws {
    let (rows, labels) = rows(40, subject, seed: 3)
    let z = try subject.evaluated(rows, labels: labels).z
    let back = try subject.inverted(z, labels: labels)
    for (x, y) in zip(rows, back) { #expect(abs(x - y) < 1e-4 * max(1, abs(x))) }
    // The map is not the identity.
    #expect(zip(rows, z).contains { abs($0 - $1) > 0.02 })
  }

  @Test("the log determinant is that of the differences' Jacobian", arguments: subjects)
  func determinant(subject: FlowSubject) throws {
    let (rows, labels) = rows(6, subject, seed: 4)
    let stated = try subject.evaluated(rows, labels: labels).logDeterminant
    for row in 0..<6 {
      let numeric = try numericLogDeterminant(Array(rows[row * subject.width..<(row + 1) * subject.width])) {
        moved in
        let label = labels.map { [Int](repeating: $0[row], count: moved.count / subject.width) }
        return try subject.evaluated(moved, labels: label).z
      }
      #expect(abs(Double(stated[row]) - numeric) < 0.02, "\(stated[row]) and \(numeric)")
    }
  }

  @Test("a density of two columns is 1 in all", arguments: FlowSubject.all(width: 2))
  func integral(subject: FlowSubject) throws {
    let (from, to, steps) = (Float(-12), Float(12), 240)
    let cell = (to - from) / Float(steps)
    var sum = 0.0
    var strip: [Float] = []
    for i in 0..<steps {
      let x = from + (Float(i) + 0.5) * cell
      let places = (0..<steps).flatMap { [x, from + (Float($0) + 0.5) * cell] }
      if i % 16 == 0 { strip = [] }
      strip += places
      guard i % 16 == 15 else { continue }
      sum += try subject.evaluated(strip).logDensity.reduce(0.0) { $0 + exp(Double($1)) }
    }
    #expect(abs(sum * Double(cell * cell) - 1) < 0.02, "\(sum * Double(cell * cell))")
  }

  @Test("samples fall where the density says", arguments: FlowSubject.all(width: 2))
  func chiSquare(subject: FlowSubject) throws {
    let (design, parameters) = try subject.make()
    let count = 4000
    let samples = design.sample(SampleRequest(count: count, seed: 8), ParameterBuffer(parameters))
    let (from, cells, fine) = (Float(-4), 8, 8)
    let size = -2 * from / Float(cells)
    // Expected shares by a finer grid.
    let width = size / Float(fine)
    var places: [Float] = []
    for i in 0..<cells * fine {
      for j in 0..<cells * fine {
        places += [from + (Float(i) + 0.5) * width, from + (Float(j) + 0.5) * width]
      }
    }
    let density = try subject.evaluated(places).logDensity
    var expected = [Double](repeating: 0, count: cells * cells + 1)
    for (at, value) in density.enumerated() {
      let (i, j) = (at / (cells * fine) / fine, at % (cells * fine) / fine)
      expected[i * cells + j] += exp(Double(value)) * Double(width * width) * Double(count)
    }
    expected[cells * cells] = max(0, Double(count) - expected.reduce(0, +))
    var seen = [Double](repeating: 0, count: cells * cells + 1)
    for row in 0..<count {
      let i = Int(((samples[2 * row] - from) / size).rounded(.down))
      let j = Int(((samples[2 * row + 1] - from) / size).rounded(.down))
      seen[(0..<cells).contains(i) && (0..<cells).contains(j) ? i * cells + j : cells * cells] += 1
    }
    var (statistic, freedom) = (0.0, -1.0)
    for (seen, expected) in zip(seen, expected) where expected >= 10 {
      statistic += (seen - expected) * (seen - expected) / expected
      freedom += 1
    }
    // Five deviations of the chi-square distribution.
    #expect(freedom > 5 && statistic < freedom + 5 * (2 * freedom).squareRoot(), "\(statistic) of \(freedom)")
  }

  @Test(
    "a row without a class is as probable as the mean over classes",
    arguments: FlowSubject.all(width: 3, classes: 2))
  func classes(subject: FlowSubject) throws {
    let (rows, _) = rows(10, subject, seed: 5)
    let none = try subject.evaluated(rows).logDensity
    let first = try subject.evaluated(rows, labels: [Int](repeating: 0, count: 10)).logDensity
    let second = try subject.evaluated(rows, labels: [Int](repeating: 1, count: 10)).logDensity
    #expect(first != second)
    for row in 0..<10 {
      let mean = log((exp(Double(first[row])) + exp(Double(second[row]))) / 2)
      #expect(abs(Double(none[row]) - mean) < 1e-3)
    }
  }

  @Test("bits and levels are bounded from below", arguments: [Support.binary, .unit])
  func dequantised(support: Support) throws {
    let subject = FlowSubject(MAF.self, width: 2, support: support) { $0.hidden = 8 }
    let (design, parameters) = try subject.make()
    #expect(design.likelihoodKind == .lowerBound)
    #expect(design.strangeness(Rows(Tape(parameters).input([1, 2]))).scalar.isFinite)
    let samples = design.sample(SampleRequest(count: 50, seed: 1), ParameterBuffer(parameters))
    let levels: Float = support == .binary ? 1 : 255
    #expect(samples.allSatisfy { $0 >= 0 && $0 <= 1 && abs($0 * levels - ($0 * levels).rounded()) < 1e-3 })
    guard support == .binary else { return }
    // With many draws the bounds of all four rows come close to probabilities, whose sum is 1.
    let tape = Tape(parameters, seed: 3)
    let x = tape.input(Tensor([0, 0, 0, 1, 1, 0, 1, 1], shape: [4, 2]))
    let bounds = design.logLikelihood(Rows(x), samples: 500).value.values
    let total: Double = bounds.reduce(0) { $0 + exp(Double($1)) }
    #expect(abs(total - 1) < 0.08)
  }

  @Test func `iaf refuses wide rows, and says what to take`() {
    #expect(throws: FitError.self) {
      try FlowSubject(IAF.self, width: 300) { $0.hidden = 8 }.make()
    }
  }
}
