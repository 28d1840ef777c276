import Glibc
import Tensors

/// A number that is not known, and the inputs of a row that follow from it: each is `offset + slope · number`.
///
/// One number may decide several inputs, as a level decides its difference to the row before and a mean over rows.
public struct UnknownNumber: Sendable, Equatable {
  /// Inputs that a number decides at most.
  public static let most = 4

  public private(set) var count = 0
  public private(set) var inputs = SIMD4<Int32>()
  public private(set) var offsets = SIMD4<Float>()
  public private(set) var slopes = SIMD4<Float>()

  public init() {}

  /// Adds an input that it decides.
  ///
  /// - Parameter slope: not 0.
  public mutating func decide(_ input: Int, offset: Float, slope: Float) {
    precondition(count < Self.most, "one number decides at most \(Self.most) inputs")
    inputs[count] = Int32(input)
    offsets[count] = offset
    slopes[count] = slope
    count += 1
  }
}

/// Working space of ``GaussianBernoulliRBM/impute(_:of:mask:seed:into:space:)``: grows on first use, then allocates nothing.
public struct ConditionalSpace: Sendable {
  /// Input of the hidden units by what is known, and by everything.
  fileprivate var known: [Float] = []
  fileprivate var all: [Float] = []
  /// Drawn values of the unknown numbers.
  fileprivate var drawn: [Float] = []
  public init() {}

  fileprivate mutating func grow(hidden: Int, unknown: Int) {
    func atLeast(_ array: inout [Float], _ count: Int) {
      if array.count < count { array.append(contentsOf: repeatElement(0, count: count - array.count)) }
    }
    atLeast(&known, hidden)
    atLeast(&all, hidden)
    atLeast(&drawn, unknown)
  }
}

extension GaussianBernoulliRBM {
  /// Gibbs sweeps before the first draw that counts, and draws that count.
  static let imputationSweeps = (burnIn: 16, kept: 48)

  /// What numbers that are not known of one row should be, given the rest of it: the mean over seeded draws from the model's
  /// conditional distribution, in the units of the rows.
  ///
  /// Block Gibbs sampling with what is known clamped (Hinton 2010, §13.2; Smolensky 1986): hidden units are drawn as
  /// `h_j ~ sigmoid(c_j + Σ_i W_ij u_i)`, then each number `x` given them. The inputs it decides, `v_i = p_i + q_i x`, are
  /// each normal with mean `b_i + σ_i (W h)_i` and deviation σ_i, so that `x` is normal with precision
  /// `λ = Σ (q_i/σ_i)²` and mean `μ = Σ (q_i/σ_i)((b_i - p_i)/σ_i + (W h)_i) / λ`. The result averages μ, not the draws
  /// themselves (Rao–Blackwell: the same mean with less variance).
  ///
  /// - Parameters:
  ///   - unknowns: none may decide an input that another one decides.
  ///   - input: `width` numbers; those that an unknown number decides are not read.
  ///   - mask: 0 for inputs that are not known, also for those that an unknown number decides.
  ///   - seed: the same seed gives the same bits.
  ///   - values: one number per unknown.
  public func impute(
    _ unknowns: [UnknownNumber], of input: [Float], mask: [Float], seed: UInt64, into values: inout [Float],
    space: inout ConditionalSpace
  ) {
    precondition(
      input.count >= width && mask.count >= width, "\(input.count) inputs for a model of \(width)")
    space.grow(hidden: hidden, unknown: unknowns.count)
    if values.count < unknowns.count {
      values.append(contentsOf: repeatElement(0, count: unknowns.count - values.count))
    }
    for j in 0..<hidden { space.known[j] = hiddenBias[j] }
    for i in 0..<width where mask[i] != 0 {
      add(i, min(max((input[i] - bias[i]) * inverseSigma[i], -Self.bound), Self.bound), to: &space.known)
    }
    var random = RandomStream(seed: seed)
    for k in unknowns.indices {
      values[k] = 0
      space.drawn[k] = 0
    }
    for sweep in 0..<(Self.imputationSweeps.burnIn + Self.imputationSweeps.kept) {
      for j in 0..<hidden { space.all[j] = space.known[j] }
      for (k, unknown) in unknowns.enumerated() {
        for part in 0..<unknown.count {
          let i = Int(unknown.inputs[part])
          let v = unknown.offsets[part] + unknown.slopes[part] * space.drawn[k]
          add(i, (v - bias[i]) * inverseSigma[i], to: &space.all)
        }
      }
      for j in 0..<hidden { space.all[j] = random.uniform() * (1 + expf(-space.all[j])) < 1 ? 1 : 0 }
      for (k, unknown) in unknowns.enumerated() {
        var precision: Float = 0
        var sum: Float = 0
        for part in 0..<unknown.count {
          let i = Int(unknown.inputs[part])
          let slope = unknown.slopes[part] * inverseSigma[i]
          precision += slope * slope
          sum += slope * ((bias[i] - unknown.offsets[part]) * inverseSigma[i] + field(of: i, from: space.all))
        }
        let mean = sum / precision
        space.drawn[k] = mean + random.normal() / precision.squareRoot()
        if sweep >= Self.imputationSweeps.burnIn { values[k] += mean / Float(Self.imputationSweeps.kept) }
      }
    }
  }

  /// `a += W_i u`
  private func add(_ i: Int, _ u: Float, to activations: inout [Float]) {
    let first = i * hidden
    for j in 0..<hidden { activations[j] += weights[first + j] * u }
  }

  /// `(W h)_i`
  private func field(of i: Int, from units: [Float]) -> Float {
    let first = i * hidden
    var sum: Float = 0
    for j in 0..<hidden { sum += weights[first + j] * units[j] }
    return sum
  }
}
