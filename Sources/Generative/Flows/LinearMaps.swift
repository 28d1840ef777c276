import Gradients
import Networks
import Tensors

/// The columns in another order.
struct Permutation: Bijection {
  let order: [Int]
  private let back: [Int]

  init(_ order: [Int]) {
    self.order = order
    back = order.indices.sorted { order[$0] < order[$1] }
  }

  /// From the last column to the first.
  static func reversal(_ width: Int) -> Permutation { Permutation(Array((0..<width).reversed())) }
  /// An order that is a function of the number of the layer.
  static func shuffle(_ width: Int, layer: Int) -> Permutation {
    var random = RandomStream(seed: 0x464c_4f57, stream: UInt64(layer))
    return Permutation(random.permutation(width))
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    (x.taking(order, axis: 1), nil)
  }
  func inverse(_ z: Variable, _ given: Condition) -> Variable { z.taking(back, axis: 1) }
}

/// `z = x ⊙ e^s`: what lets a flow of shifts weigh its columns (Dinh et al. 2014, section 3.3).
struct Scaling: Bijection {
  let logScale: Slot
  static let bound: Float = 8

  init(_ name: String, width: Int, in scope: inout ParameterScope) {
    logScale = scope.within(name) { $0.parameter("logScale", [width]) }
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    let s = bounded(x.tape[logScale], by: Self.bound)
    return (x * exp(s), s.sum(-1, keepingAxes: true))
  }
  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    z * exp(-bounded(z.tape[logScale], by: Self.bound))
  }
}

/// `z = (x - mean) / deviation · e^s + b` with the mean and deviation of the first batch that is learned from, and s and b learned from
/// 0: begins as a normalisation (Kingma & Dhariwal 2018, section 3.1).
struct ActNorm: Bijection {
  private let mean: Slot
  private let logDeviation: Slot
  /// 1 once the first batch was seen.
  private let isSet: Slot
  private let logScale: Slot
  private let bias: Slot
  static let bound: Float = 3
  /// A column that hardly changes is not blown up further than this.
  static let leastDeviation: Float = 0.1

  init(_ name: String, width: Int, in scope: inout ParameterScope) {
    (mean, logDeviation, isSet, logScale, bias) = scope.within(name) { scope in
      (
        scope.statistic("mean", [width]), scope.statistic("logDeviation", [width]),
        scope.statistic("isSet", [1]), scope.parameter("logScale", [width]),
        scope.parameter("bias", [width])
      )
    }
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    let (mean, logDeviation) = moments(x, given)
    let s = bounded(x.tape[logScale], by: Self.bound) - logDeviation
    return ((x - mean) * exp(s) + x.tape[bias], s.sum(-1, keepingAxes: true))
  }

  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    let tape = z.tape
    let s = bounded(tape[logScale], by: Self.bound) - tape[logDeviation]
    return (z - tape[bias]) * exp(-s) + tape[mean]
  }

  /// Those that were kept; in training, those of this batch where none were.
  private func moments(_ x: Variable, _ given: Condition) -> (mean: Variable, logDeviation: Variable) {
    let tape = x.tape
    guard given.isTraining else { return (tape[mean], tape[logDeviation]) }
    let rows = x.withoutGradient()
    let least = tape.input(.scalar(Self.leastDeviation))
    let first = (mean: rows.mean(0), logDeviation: log(maximum(sqrt(rows.variance(0)), least)))
    let known = tape[isSet]
    let kept = (
      mean: select(known, tape[mean], first.mean).withoutGradient(),
      logDeviation: select(known, tape[logDeviation], first.logDeviation).withoutGradient()
    )
    tape.update(mean, kept.mean)
    tape.update(logDeviation, kept.logDeviation)
    tape.update(isSet, tape.input(Tensor(repeating: 1, shape: [1])))
    return kept
  }
}
