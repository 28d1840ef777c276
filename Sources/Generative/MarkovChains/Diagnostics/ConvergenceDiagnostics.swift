import Glibc

/// Whether chains agree, and how much their draws are worth.
///
/// Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021 (Rank-normalization, folding, and localization: an improved R̂), as the
/// packages posterior and ArviZ have them. Draws are given by chain, all chains of one length; fewer than four draws give NaN.
public enum ConvergenceDiagnostics {
  // MARK: agreement

  /// The larger of the rank-normalised split R̂ and the same of the folded draws `|x - median|`, which sees scales that differ.
  public static func rHat(_ chains: [[Double]]) -> Double {
    guard isEnough(chains) else { return .nan }
    let bulk = potentialScaleReduction(rankNormalised(split(chains)))
    let folded = potentialScaleReduction(rankNormalised(split(folded(chains))))
    return max(bulk, folded)
  }

  /// R̂ of chains as they are: the root of the variance of all over that within chains (Gelman & Rubin 1992).
  static func potentialScaleReduction(_ chains: [[Double]]) -> Double {
    let n = Double(chains[0].count)
    let between = n * variance(chains.map(mean))
    let within = mean(chains.map(variance))
    return ((between / within + n - 1) / n).squareRoot()
  }

  // MARK: effective sample sizes

  /// Of the rank-normalised draws: what the location is known by.
  public static func bulkESS(_ chains: [[Double]]) -> Double {
    isEnough(chains) ? effectiveSampleSize(rankNormalised(split(chains))) : .nan
  }

  /// The smaller of those of the 5 % and 95 % quantiles.
  public static func tailESS(_ chains: [[Double]]) -> Double {
    guard isEnough(chains) else { return .nan }
    let sorted = chains.flatMap { $0 }.sorted()
    return [0.05, 0.95].map { level in
      let bound = quantile(level, ofSorted: sorted)
      return effectiveSampleSize(split(chains.map { $0.map { $0 <= bound ? 1 : 0 } }))
    }.reduce(.infinity) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
  }

  /// Of the draws as they are, for the error of their mean.
  public static func meanESS(_ chains: [[Double]]) -> Double {
    isEnough(chains) ? effectiveSampleSize(split(chains)) : .nan
  }

  // MARK: Monte Carlo standard errors

  public static func meanMCSE(_ chains: [[Double]]) -> Double {
    (variance(chains.flatMap { $0 }) / meanESS(chains)).squareRoot()
  }

  /// By the delta method from that of the variance.
  public static func sdMCSE(_ chains: [[Double]]) -> Double {
    let center = mean(chains.flatMap { $0 })
    let squares = chains.map { $0.map { ($0 - center) * ($0 - center) } }
    let all = squares.flatMap { $0 }
    let secondMoment = mean(all)
    let ess = meanESS(squares)
    let varianceError = (mean(all.map { $0 * $0 }) - secondMoment * secondMoment) / ess
    return (varianceError / secondMoment / 4).squareRoot()
  }

  // MARK: energies

  /// How far the energy moves from draw to draw against how far it spreads, by chain; below 0.3 momenta are refreshed too
  /// weakly for the tails (E-BFMI, Betancourt 2016).
  public static func energyBFMI(_ energies: [[Double]]) -> [Double] {
    energies.map { energy in
      guard energy.count > 1 else { return .nan }
      let moves = zip(energy.dropFirst(), energy).map { ($0 - $1) * ($0 - $1) }
      return mean(moves) / variance(energy)
    }
  }

  // MARK: parts

  private static func isEnough(_ chains: [[Double]]) -> Bool {
    guard let count = chains.first?.count else { return false }
    precondition(chains.allSatisfy { $0.count == count }, "chains of different lengths")
    return count >= 4 && chains.allSatisfy { $0.allSatisfy(\.isFinite) }
  }

  static func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

  /// With n - 1.
  static func variance(_ x: [Double]) -> Double {
    let center = mean(x)
    return x.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(x.count - 1)
  }

  /// Both halves of each chain as chains of their own; a middle draw is left out.
  static func split(_ chains: [[Double]]) -> [[Double]] {
    let half = chains[0].count / 2
    return chains.map { Array($0.prefix(half)) } + chains.map { Array($0.suffix(half)) }
  }

  /// `|x - median|`. Of an even number of draws the two in the middle are equally far from it, which rounding must not undo:
  /// ranks would see it.
  static func folded(_ chains: [[Double]]) -> [[Double]] {
    let kept = chains[0].count / 2
    // The median of what the split keeps, as ArviZ takes it.
    let sorted = chains.flatMap { $0.prefix(kept) + $0.suffix(kept) }.sorted()
    let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    let median = 0.5 * (low + high)
    return chains.map { $0.map { $0 == low || $0 == high ? 0.5 * (high - low) : Swift.abs($0 - median) } }
  }

  /// Ranks of all draws together, ties shared, as standard normal quantiles (Blom 1958).
  static func rankNormalised(_ chains: [[Double]]) -> [[Double]] {
    let count = chains[0].count
    let all = chains.flatMap { $0 }
    let order = all.indices.sorted { all[$0] < all[$1] }
    var z = [[Double]](repeating: [Double](repeating: 0, count: count), count: chains.count)
    var begin = 0
    while begin < order.count {
      var end = begin + 1
      while end < order.count && all[order[end]] == all[order[begin]] { end += 1 }
      let rank = 0.5 * Double(begin + 1 + end)
      let score = normalQuantile((rank - 0.375) / (Double(all.count) + 0.25))
      for place in begin..<end { z[order[place] / count][order[place] % count] = score }
      begin = end
    }
    return z
  }

  /// The quantile between the order statistics (type 7 of Hyndman & Fan 1996).
  public static func quantile(_ level: Double, ofSorted x: [Double]) -> Double {
    let place = level * Double(x.count - 1)
    let below = Int(place)
    return x[below] + (place - Double(below)) * (x[min(below + 1, x.count - 1)] - x[below])
  }

  /// `M N / τ` with the autocorrelation time τ of all chains together, cut off by Geyer's initial monotone sequence
  /// (Vehtari et al. 2021, §3.2; Geyer 1992).
  static func effectiveSampleSize(_ chains: [[Double]]) -> Double {
    let n = chains[0].count
    let total = Double(n * chains.count)
    let all = chains.flatMap { $0 }
    guard let low = all.min(), let high = all.max(), high - low >= 1e-15 else { return total }
    let centered = chains.map { chain in
      let center = mean(chain)
      return chain.map { $0 - center }
    }
    // Lags are computed as they are needed: of chains that mix, few are.
    func autocovariance(_ lag: Int) -> Double {
      var sum = 0.0
      for chain in centered {
        for i in 0..<n - lag { sum += chain[i] * chain[i + lag] }
      }
      return sum / Double(n) / Double(chains.count)
    }
    let within = autocovariance(0) * Double(n) / Double(n - 1)
    var overall = within * Double(n - 1) / Double(n)
    if chains.count > 1 { overall += variance(chains.map(mean)) }
    func correlation(_ lag: Int) -> Double { 1 - (within - autocovariance(lag)) / overall }

    var even = 1.0
    var odd = correlation(1)
    var rho = [even, odd]
    var lag = 1
    while lag < n - 3 && even + odd > 0 {
      even = correlation(lag + 1)
      odd = correlation(lag + 2)
      rho += even + odd >= 0 ? [even, odd] : [0, 0]
      lag += 2
    }
    let last = lag - 2
    rho += [0, 0]
    if even > 0 { rho[last + 1] = even }
    // Sums of pairs must not rise.
    lag = 1
    while lag <= last - 2 {
      if rho[lag + 1] + rho[lag + 2] > rho[lag - 1] + rho[lag] {
        rho[lag + 1] = 0.5 * (rho[lag - 1] + rho[lag])
        rho[lag + 2] = rho[lag + 1]
      }
      lag += 2
    }
    var time = -1 + 2 * rho.prefix(last + 1).reduce(0, +) + rho[last + 1]
    // No more than this can be believed of chains that alternate.
    time = max(time, 1 / log10(total))
    return total / time
  }
}
