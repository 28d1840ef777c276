import Testing

@testable import Detection

@Suite struct GeneralizedParetoTests {
  // scipy.stats.genpareto(xi, scale=s).logsf at 0.5, 3, 40 and .isf at 0.5, 1e-3, 1e-8 (SciPy 1.17).
  @Test(arguments: [
    (0.0, 2.0, [-0.25, -1.5, -20.0], [1.3862943611198906, 13.815510557964274, 36.841361487904734]),
    (
      0.25, 1.5, [-0.3201708306941457, -1.6218604324326575, -8.14752770904416],
      [1.1352426900163264, 27.740479511420943, 594.0000000000002]
    ),
    (
      0.5, 0.7, [-0.6107632991023637, -2.2902646086060052, -6.773617288420112],
      [0.579898987322333, 42.8718872423573, 13998.600000000011]
    ),
  ])
  func `tails and quantiles are SciPy's`(shape: Double, scale: Double, tails: [Double], quantiles: [Double]) {
    let pareto = GeneralizedPareto(shape: shape, scale: scale)
    for (x, expected) in zip([0.5, 3, 40], tails) {
      #expect(abs(pareto.logTail(x) - expected) < 1e-9 * abs(expected))
    }
    for (tail, expected) in zip([0.5, 1e-3, 1e-8], quantiles) {
      #expect(abs(pareto.quantile(tail: tail) - expected) < 1e-9 * expected)
    }
  }

  // numpy: 2 - a0 / (a0 - 2 a1) with plotting positions (i - 0.35) / n of these numbers.
  @Test func `weighted moments give the shape that NumPy gives`() {
    let excesses = [0.03, 0.11, 0.18, 0.34, 0.41, 0.66, 0.92, 1.27, 1.9, 3.4, 7.2]
    let pareto = GeneralizedPareto(excesses: excesses, weight: 0, shapes: -1...1)
    #expect(abs(pareto.shape - 0.469399861024016) < 1e-12)
  }

  @Test func `many excesses of a known distribution give it back`() {
    var random = SplitMix64(seed: 3)
    let truth = GeneralizedPareto(shape: 0.2, scale: 1.3)
    let excesses = (0..<20_000).map { _ in truth.quantile(tail: max(random.uniform(), 1e-12)) }
    let fitted = GeneralizedPareto(excesses: excesses)
    #expect(abs(fitted.shape - 0.2) < 0.03)
    #expect(abs(fitted.scale - 1.3) < 0.05)
  }

  @Test func `light tails are taken as exponential, so that no p-value is ever 0`() {
    let fitted = GeneralizedPareto(excesses: (0..<1000).map { Double($0) / 1000 }, prior: 0)
    #expect(fitted.shape == 0)
    #expect(fitted.logTail(50) > -.infinity)
    #expect(GeneralizedPareto(excesses: []).scale > 0)
    #expect(GeneralizedPareto(excesses: [0, 0, 0]).logTail(1).isFinite || fitted.shape == 0)
  }
}

@Suite struct ScaleTests {
  // numpy.quantile of the same eight numbers.
  @Test func `quantiles are NumPy's`() {
    let sorted: [Float] = [-4, -1.5, 0.5, 0.75, 2.25, 3, 8, 11]
    let expected: [(Double, Float)] = [(0, -4), (0.05, -3.125), (0.25, 0), (0.5, 1.5), (0.95, 9.95), (1, 11)]
    for (share, value) in expected { #expect(abs(sorted.quantile(share) - value) < 1e-5) }
  }

  @Test func `the spread of normal noise is its standard deviation, outliers or not`() {
    var signals = Signals(features: 1, seed: 4)
    var values = signals.rows(20_000).values.map { 3 + 2 * $0 }
    for index in 0..<200 { values[index] = 1e12 }
    let scale = RobustScale(of: values, floor: RobustScale.fieldFloor)
    #expect(abs(scale.centre - 3) < 0.1)
    #expect(abs(scale.spread - 2) < 0.15)
  }

  @Test func `a constant has a spread that makes changes visible and finite`() {
    let zero = RobustScale(of: Array(repeating: 0, count: 100), floor: RobustScale.fieldFloor)
    #expect(zero.spread == 1e-3)
    let large = RobustScale(of: Array(repeating: 5e6, count: 100), floor: RobustScale.fieldFloor)
    #expect(large.spread == 1e5)
    let none = RobustScale(of: [], floor: RobustScale.fieldFloor)
    #expect(none.spread == 1)
  }

  @Test func `a value that rests and jumps now and then counts its jumps as usual`() {
    let values = (0..<1000).map { $0 % 40 == 0 ? Float(10) : 1 }
    let scale = RobustScale(of: values, floor: RobustScale.fieldFloor)
    #expect(scale.centre == 1)
    #expect(scale.spread > 0.3 && scale.spread < 5)
  }

  @Test func `squashing keeps order and sign, joins smoothly and undoes itself`() {
    let limit: Float = 5
    var last = -Float.infinity
    for exponent in stride(from: -3, to: 37, by: 0.25) {
      let z = Float(10).power(exponent)
      let squashed = squash(z, limit: limit)
      #expect(squashed > last && squashed.isFinite)
      #expect(squash(-z, limit: limit) == -squashed)
      #expect(abs(unsquash(squashed, limit: limit) / z - 1) < 1e-3)
      last = squashed
    }
    #expect(squash(4.999, limit: limit) == 4.999)
    #expect(abs(squash(5.001, limit: limit) - 5.001) < 1e-5)
    #expect(squash(1e30, limit: limit) < 400)
    #expect(squash(.greatestFiniteMagnitude, limit: limit).isFinite)
  }
}

extension Float {
  func power(_ exponent: Double) -> Float { Float((Double(self).logarithm * exponent).exponential) }
}
