import Foundation
import Tensors
import Testing

@testable import Generative

/// All states of a few bits; bit `i` of a state's number is unit `i`.
func bitStates(_ count: Int) -> [[Double]] {
  (0..<1 << count).map { state in (0..<count).map { Double(state >> $0 & 1) } }
}

func logSumExp(_ x: [Double]) -> Double {
  let top = x.max() ?? 0
  return top + log(x.reduce(0) { $0 + exp($1 - top) })
}

/// How often each state of `width` bits is among the rows.
func counts(_ rows: [Float], width: Int) -> [Double] {
  var counts = [Double](repeating: 0, count: 1 << width)
  for row in 0..<rows.count / width {
    counts[(0..<width).reduce(0) { $0 | Int(rows[row * width + $1]) << $1 }] += 1
  }
  return counts
}

/// Pearson's statistic against log-probabilities, in standard deviations of it above its mean; rare states are counted together.
func chiSquareExcess(_ rows: [Float], width: Int, logProbabilities: [Double]) -> Double {
  let draws = Double(rows.count / width)
  var (statistic, bins, rest, restExpected) = (0.0, 0.0, 0.0, 0.0)
  for (count, log) in zip(counts(rows, width: width), logProbabilities) {
    let mean = exp(log) * draws
    if mean < 5 {
      rest += count
      restExpected += mean
    } else {
      statistic += (count - mean) * (count - mean) / mean
      bins += 1
    }
  }
  if restExpected > 1 {
    statistic += (rest - restExpected) * (rest - restExpected) / restExpected
    bins += 1
  }
  return (statistic - (bins - 1)) / (2 * (bins - 1)).squareRoot()
}

extension BipartiteMachine {
  /// Weights and biases of deviation `scale`.
  static func random(_ visible: Int, _ hidden: Int, scale: Float, seed: UInt64) -> BipartiteMachine {
    var random = RandomStream(seed: seed, stream: 77)
    func normals(_ count: Int) -> [Float] { random.normals(count).map { scale * $0 } }
    return BipartiteMachine(
      visibleBias: normals(visible), hiddenBias: normals(hidden), weights: normals(visible * hidden))
  }

  /// `-E(v, h)`, term by term.
  func agreement(_ v: [Double], _ h: [Double]) -> Double {
    var sum = 0.0
    for i in 0..<visible {
      sum += Double(visibleBias[i]) * v[i]
      for j in 0..<hidden { sum += v[i] * Double(weights[i * hidden + j]) * h[j] }
    }
    return (0..<hidden).reduce(sum) { $0 + Double(hiddenBias[$1]) * h[$1] }
  }

  /// `log p(v)` of all states of the visible units, by sums over everything.
  var logProbabilities: [Double] {
    let logs = bitStates(visible).map { v in logSumExp(bitStates(hidden).map { agreement(v, $0) }) }
    let partition = logSumExp(logs)
    return logs.map { $0 - partition }
  }
}

struct BipartiteBoltzmannTests {
  let tiny = BipartiteMachine.random(4, 3, scale: 1, seed: 1)

  @Test func `log Z and the weights of states are those of sums over everything`() {
    let logs = bitStates(4).map { v in logSumExp(bitStates(3).map { tiny.agreement(v, $0) }) }
    for (mine, truth) in zip(tiny.logWeights(), logs) { #expect(abs(Double(mine) - truth) < 1e-5) }
    #expect(abs(tiny.exactLogPartition() - logSumExp(logs)) < 1e-5)
    #expect(abs(tiny.exchanged.exactLogPartition() - logSumExp(logs)) < 1e-5)
  }

  @Test func `states beyond one block are summed too: both sides give the same log Z`() {
    let machine = BipartiteMachine.random(13, 12, scale: 0.5, seed: 2)
    func sum(_ machine: BipartiteMachine) -> Double { logSumExp(machine.logWeights().map(Double.init)) }
    #expect(abs(sum(machine) - sum(machine.exchanged)) < 1e-4)
    #expect(abs(machine.exactLogPartition() - sum(machine)) < 1e-4)
  }

  @Test func `annealed importance sampling agrees with enumeration within its standard error`() {
    let sampler = AnnealedImportanceSampling(chains: 50, temperatures: 200)
    var deviates: [Double] = []
    for seed in 1...24 as ClosedRange<UInt64> {
      let machine = BipartiteMachine.random(7, 5, scale: 1.2, seed: seed)
      let base = seed % 2 == 0 ? machine.visibleBias : [Float](repeating: 0, count: 7)
      let estimate = sampler(machine, base: base, seed: seed)
      let error = estimate.value - machine.exactLogPartition()
      #expect(abs(error) < 0.5 && !estimate.isExact && estimate.standardError > 0)
      deviates.append(error / estimate.standardError)
    }
    // Of 24 standard normal numbers: at most two beyond 2.5, and about one in their mean square.
    #expect(deviates.filter { abs($0) > 2.5 }.count <= 2)
    let square = deviates.reduce(0) { $0 + $1 * $1 } / Double(deviates.count)
    #expect(square > 0.35 && square < 2.2)
  }

  @Test func `without weights the path does not turn and the estimate is exact`() {
    let machine = BipartiteMachine(
      visibleBias: [1, -2, 0.5], hiddenBias: [0, 0], weights: [Float](repeating: 0, count: 6))
    let estimate = AnnealedImportanceSampling(chains: 10, temperatures: 10)(
      machine, base: machine.visibleBias, seed: 1)
    #expect(abs(estimate.value - machine.exactLogPartition()) < 1e-5 && estimate.standardError < 1e-5)
  }

  @Test func `Gibbs chains, cooled down or gone on, visit states as often as these are probable`() {
    var random = RandomStream(seed: 3)
    let base = [Float](repeating: 0, count: 4)
    let cooled = tiny.gibbs(0..<6000, random: &random, plan: SamplingPlan(sweeps: 60, base: base))
    #expect(chiSquareExcess(cooled, width: 4, logProbabilities: tiny.logProbabilities) < 4)
    let from = SamplingPlan(sweeps: 40, base: base, particles: [1, 1, 1, 1, 0, 0, 0, 0])
    let gone = tiny.gibbs(0..<6000, random: &random, plan: from)
    #expect(chiSquareExcess(gone, width: 4, logProbabilities: tiny.logProbabilities) < 4)
    // The test sees another machine.
    let other = BipartiteMachine.random(4, 3, scale: 1, seed: 4)
    #expect(chiSquareExcess(cooled, width: 4, logProbabilities: other.logProbabilities) > 20)
  }

  @Test(arguments: [(4, 3), (3, 5)])
  func `exact draws are as frequent as they are probable`(sizes: (Int, Int)) {
    let machine = BipartiteMachine.random(sizes.0, sizes.1, scale: 1, seed: 5)
    var random = RandomStream(seed: 6)
    let rows = machine.exactSample(count: 6000, random: &random)
    #expect(chiSquareExcess(rows, width: sizes.0, logProbabilities: machine.logProbabilities) < 4)
  }

  @Test func `what is missing is drawn given the rest`() {
    let given: [Float] = [1, 0, 0, 0]
    let mask: [Float] = [1, 1, 0, 0]
    let rows = tiny.inpaint(
      (0..<5000).flatMap { _ in given }, mask: (0..<5000).flatMap { _ in mask }, count: 5000, seed: 7,
      plan: SamplingPlan(sweeps: 60, base: [0, 0, 0, 0]))
    for row in 0..<5000 { #expect(rows[4 * row] == 1 && rows[4 * row + 1] == 0) }
    let free = (0..<5000).flatMap { rows[4 * $0 + 2..<4 * $0 + 4] }
    let joint = (0..<4).map { tiny.logProbabilities[1 | $0 << 2] }
    let conditional = joint.map { $0 - logSumExp(joint) }
    #expect(chiSquareExcess(free, width: 2, logProbabilities: conditional) < 4)
  }
}
