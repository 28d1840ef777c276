import CVectorMath

/// Thresholds of sixteen levels that learn from every score, over runs of scores: the kernel of adaptive conformal
/// inference.
///
/// Results are the same bits on every processor.
public enum FollowedThresholds {
  public typealias Levels = InlineArray<16, Float>
  /// Scores between two settlements.
  public static let period = UInt32(VM_THRESHOLD_PERIOD)

  /// What belongs to all levels together.
  public struct Common: Sendable {
    /// Length and shape of the tail beyond the last threshold.
    public var tail: Float
    public var shape: Float
    /// Least distance of two thresholds per e-fold of their levels.
    public var leastGap: Float
    public var agility: Float
    /// How many scores the beginning was worth.
    public var weight: Float
    /// No threshold falls below it.
    public var floor: Float
    /// Longest tail that is believed of levels far from the median; 0: any is taken for chance.
    public var reach: Float
    /// Upward moves in a row at most.
    public var allowance: Float
    /// Scores that counted so far.
    public var counted: UInt32

    public init(
      tail: Float, shape: Float, leastGap: Float, agility: Float, weight: Float, floor: Float, reach: Float,
      allowance: Float, counted: UInt32
    ) {
      self.tail = tail
      self.shape = shape
      self.leastGap = leastGap
      self.agility = agility
      self.weight = weight
      self.floor = floor
      self.reach = reach
      self.allowance = allowance
      self.counted = counted
    }
  }

  /// ln p of the scores of a range into the same places of `logP`, by thresholds that stay as they are.
  ///
  /// - Parameters:
  ///   - scores: finite.
  ///   - logs: of the levels' tail probabilities.
  ///   - tail: the length of the generalised Pareto tail beyond the last threshold.
  ///   - shape: its shape.
  ///   - leastGap: least distance of the first two thresholds.
  public static func logP(
    _ scores: [Float], _ range: Range<Int>, thresholds: Levels, logs: Levels, tail: Float, shape: Float,
    leastGap: Float, into logP: inout [Float]
  ) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= scores.count && range.upperBound <= logP.count,
      "scores \(range) of \(scores.count) into \(logP.count)")
    unsafe scores.withUnsafeBufferPointer { scores in
      unsafe logP.withUnsafeMutableBufferPointer { logP in
        unsafe thresholds.span.withUnsafeBufferPointer { thresholds in
          unsafe logs.span.withUnsafeBufferPointer { logs in
            guard let from = scores.baseAddress, let to = logP.baseAddress else { return }
            unsafe vm_threshold_log_p(
              range.count, from + range.lowerBound, thresholds.baseAddress, logs.baseAddress, tail, shape,
              leastGap, to + range.lowerBound)
          }
        }
      }
    }
  }

  /// ln p of the scores of a range into the same places of `logP`, learning from each before the next.
  ///
  /// - Parameters:
  ///   - scores: finite.
  ///   - alphas: tail probabilities, decreasing; with their logarithms, and how much further each level steps.
  ///   - thresholds: non-decreasing; with the allowances for upward moves, and the steps.
  public static func follow(
    _ scores: [Float], _ range: Range<Int>, alphas: Levels, logs: Levels, factors: Levels, step: Float,
    common: inout Common, thresholds: inout Levels, allowances: inout Levels, steps: inout Levels,
    into logP: inout [Float]
  ) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= scores.count && range.upperBound <= logP.count,
      "scores \(range) of \(scores.count) into \(logP.count)")
    var state = vm_thresholds(
      tail: common.tail, shape: common.shape, least_gap: common.leastGap, agility: common.agility,
      weight: common.weight, bottom: common.floor, reach: common.reach, allowance: common.allowance,
      counted: common.counted)
    var q = thresholds.mutableSpan
    var allowed = allowances.mutableSpan
    var moves = steps.mutableSpan
    unsafe scores.withUnsafeBufferPointer { scores in
      unsafe logP.withUnsafeMutableBufferPointer { logP in
        unsafe alphas.span.withUnsafeBufferPointer { alphas in
          unsafe logs.span.withUnsafeBufferPointer { logs in
            unsafe factors.span.withUnsafeBufferPointer { factors in
              unsafe q.withUnsafeMutableBufferPointer { q in
                unsafe allowed.withUnsafeMutableBufferPointer { allowed in
                  unsafe moves.withUnsafeMutableBufferPointer { moves in
                    guard let from = scores.baseAddress, let to = logP.baseAddress else { return }
                    unsafe vm_follow_thresholds(
                      range.count, from + range.lowerBound, alphas.baseAddress, logs.baseAddress,
                      factors.baseAddress, step, &state, q.baseAddress, allowed.baseAddress,
                      moves.baseAddress, to + range.lowerBound)
                  }
                }
              }
            }
          }
        }
      }
    }
    common.tail = state.tail
    common.counted = state.counted
  }
}
