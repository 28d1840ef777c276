public import Gradients
import Tensors

// Negative log-likelihoods and divergences in nats: summed over the last axis of a row, averaged over rows.

extension Loss {
  /// `-log N(x; mean, e^logVariance)` with a diagonal covariance: all `[rows, width]`.
  public static func gaussian(_ x: Variable, mean: Variable, logVariance: Variable) -> Variable {
    let scaled = (x - mean).squared() * exp(-logVariance)
    return (scaled + logVariance + logTwoPi).sum(-1).mean() * 0.5
  }

  /// `KL(N(mean, e^logVariance) ‖ N(0, 1))` with diagonal covariances: `[rows, width]`.
  public static func divergenceFromStandardNormal(mean: Variable, logVariance: Variable) -> Variable {
    (mean.squared() + exp(logVariance) - logVariance - 1).sum(-1).mean() * 0.5
  }

  /// `KL(N(mean, e^logVariance) ‖ N(otherMean, e^otherLogVariance))` with diagonal covariances: `[rows, width]`.
  public static func divergence(
    mean: Variable, logVariance: Variable, from otherMean: Variable, otherLogVariance: Variable
  ) -> Variable {
    let distance = (exp(logVariance) + (mean - otherMean).squared()) * exp(-otherLogVariance)
    return (distance + otherLogVariance - logVariance - 1).sum(-1).mean() * 0.5
  }

  /// ``LogisticMixture``, the mean over elements.
  public static func logisticMixture(
    _ x: Variable, logits: Variable, means: Variable, logScales: Variable, levels: Int = 256
  ) -> Variable {
    LogisticMixture.negativeLogProbability(
      x, logits: logits, means: means, logScales: logScales, levels: levels
    ).mean()
  }
}

/// A mixture of logistic distributions over levels of brightness (Salimans et al. 2017).
public enum LogisticMixture {
  /// - Parameters:
  ///   - x: `[…]`, from -1 to 1 in `levels` equal steps; the probability is that of its whole step, and the first and
  ///     last are open to their sides.
  ///   - logits: of the mixture's parts, `[…, parts]`; likewise means and logarithms of scales.
  /// - Returns: `-log p` of each element, nats.
  public static func negativeLogProbability(
    _ x: Variable, logits: Variable, means: Variable, logScales: Variable, levels: Int
  ) -> Variable {
    precondition(levels >= 2, "\(levels) levels")
    let x = x.inserting(x.shape.rank)
    let half = 1 / Float(levels - 1)
    let narrowness = exp(-logScales)
    let centred = x - means
    let upper = narrowness * (centred + half)
    let lower = narrowness * (centred - half)
    // log(σ(u) - σ(l)) = u - softplus(u) - softplus(l) + log(e^-l - e^-u) + …, written so that nothing cancels:
    // σ(u) - σ(l) = (1 - e^(l - u)) σ(u) σ(-l).
    let width = upper - lower
    let inside = log(1 - exp(-width)) - softplus(-upper) - softplus(lower)
    let below = -softplus(-upper)
    let above = -softplus(lower)
    let edge = 1 - half
    let isFirst = greater(x * -1, x.tape.input(.scalar(edge)))
    let isLast = greater(x, x.tape.input(.scalar(edge)))
    let bins = select(isFirst, below, select(isLast, above, inside))
    return -logSumExp(bins + logSoftmax(logits), axis: -1)
  }
}

/// `mean + e^(logVariance / 2) · noise`: a draw through which gradients flow (Kingma & Welling 2014).
public func reparametrised(mean: Variable, logVariance: Variable, noise: Variable) -> Variable {
  mean + exp(logVariance * 0.5) * noise
}

/// `log 2π`
let logTwoPi: Float = 1.837_877_1
