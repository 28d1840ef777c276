public import Gradients
import Tensors

// Each gives one number, to be made small. Unless said otherwise it is the mean over all elements.

/// Losses of a batch, on its tape.
public enum Loss {
  /// `mean (x - y)²`
  public static func meanSquaredError(_ x: Variable, _ y: Variable) -> Variable { (x - y).squared().mean() }

  /// `Σ mask (x - y)² / Σ mask`: over what was observed, with a mask of 0 and 1.
  public static func maskedSquaredError(_ x: Variable, _ y: Variable, mask: Variable) -> Variable {
    let mask = mask.withoutGradient()
    return ((x - y).squared() * mask).sum() / maximum(mask.sum(), x.tape.input(.scalar(1)))
  }

  /// The negative logarithm of the probability of targets from 0 to 1 under `σ(logits)`, without overflow.
  public static func binaryCrossEntropy(logits: Variable, targets: Variable) -> Variable {
    Gradients.binaryCrossEntropy(logits, targets: targets).mean()
  }

  /// The negative logarithm of the probability of the right symbols: logits `[…, symbols]`, indices `[…]`.
  public static func crossEntropy(logits: Variable, indices: Variable) -> Variable {
    Gradients.crossEntropy(logits, classes: indices).mean()
  }
}

/// The hinge losses of adversarial training (Lim & Ye 2017), by critic values of real and generated rows.
public enum HingeLoss {
  /// `mean max(0, 1 - real) + mean max(0, 1 + generated)`
  public static func critic(real: Variable, generated: Variable) -> Variable {
    relu(1 - real).mean() + relu(1 + generated).mean()
  }
  /// `-mean generated`
  public static func generator(_ generated: Variable) -> Variable { -generated.mean() }
}

/// The losses of Wasserstein adversarial training (Arjovsky et al. 2017), by critic values.
public enum WassersteinLoss {
  /// `mean generated - mean real`
  public static func critic(real: Variable, generated: Variable) -> Variable {
    generated.mean() - real.mean()
  }
  /// `-mean generated`
  public static func generator(_ generated: Variable) -> Variable { -generated.mean() }

  /// `mean (|∂critic/∂x| - 1)²` at points between real and generated rows (Gulrajani et al. 2017); itself
  /// differentiable, so that a critic can be trained on it.
  ///
  /// - Parameters:
  ///   - share: of the real row in each point, `[rows]` or a shape that spreads over rows; uniform on (0, 1).
  ///   - critic: one number per row.
  public static func gradientPenalty(
    real: Variable, generated: Variable, share: Variable, critic: (Variable) -> Variable
  ) -> Variable {
    let tape = real.tape
    let rows = real.shape[0]
    let share = share.reshaped(Shape([rows] + [Int](repeating: 1, count: real.shape.rank - 1)))
    let point = share * real.withoutGradient() + (1 - share) * generated.withoutGradient()
    let gradient = tape.gradients(of: critic(point).sum(), by: [point], differentiable: true)[0]
    let squares = gradient.squared().reshaped([rows, gradient.shape.size / max(rows, 1)]).sum(1)
    return (sqrt(squares + 1e-12) - 1).squared().mean()
  }
}
