import Gradients
import Networks
import Tensors

/// A ``BipartiteMachine`` in training: where its parameters, its chains and its means lie, and its formulas on a tape.
struct BipartiteLayer: Sendable {
  /// W, `[visible, hidden]`, b and c; side by side, for an optimizer of their own.
  let weight: Slot
  let visibleBias: Slot
  let hiddenBias: Slot
  /// The visible units of chains that follow the model, `[chains, visible]` (Tieleman 2008).
  let particles: Slot
  /// What units are on average when the data is shown: where the gradient is centred.
  let visibleMean: Slot
  let hiddenMean: Slot
  /// Visible and hidden units that are connected; nil for all pairs.
  let connected: Tensor?
  var visible: Int { weight.shape[0] }
  var hidden: Int { weight.shape[1] }

  init(
    visible: Int, hidden: Int, particles chains: Int, connected: Tensor? = nil,
    in scope: inout ParameterScope
  ) {
    weight = scope.parameter("weight", [visible, hidden]) { random, count in
      // About 0.01 for pictures (Hinton 2010, section 8); more where few units must become different from one another.
      let deviation = 0.3 / Float(max(visible, hidden)).squareRoot()
      let values = random.normals(count).map { deviation * $0 }
      return connected.map { zip(values, $0.values).map { $0 * $1 } } ?? values
    }
    visibleBias = scope.parameter("bias.visible", [visible])
    hiddenBias = scope.parameter("bias.hidden", [hidden])
    particles = scope.statistic("particles", [chains, visible])
    visibleMean = scope.statistic("mean.visible", [visible], repeating: 0.5)
    hiddenMean = scope.statistic("mean.hidden", [hidden], repeating: 0.5)
    self.connected = connected
  }

  /// Of the flat buffer, what is trained here.
  var range: Range<Int> { weight.offset..<hiddenBias.offset + hiddenBias.shape.size }

  // MARK: formulas

  /// `c + Wᵀv`, `[rows, hidden]`
  func hiddenInput(_ v: Variable) -> Variable { dense(v, v.tape[weight], v.tape[hiddenBias]) }

  /// `b + W h`, `[rows, visible]`
  func visibleInput(_ h: Variable) -> Variable {
    matmul(h, h.tape[weight], transposedB: true) + h.tape[visibleBias]
  }

  /// `F(v) = -bᵀv - Σ_j softplus(c_j + Σ_i v_i W_ij)`, `[rows]`
  func freeEnergy(_ v: Variable) -> Variable {
    let linear = matmul(v, v.tape[visibleBias].reshaped([visible, 1])).reshaped([v.shape[0]])
    return -(linear + softplus(hiddenInput(v)).sum(-1))
  }

  /// What contrastive divergence compares data with: the visible units after so many Gibbs steps from it (Hinton 2002).
  func contrasted(_ v: Variable, steps: Int) -> Variable {
    var v = v
    for _ in 0..<steps {
      let h = bernoulli(sigmoid(hiddenInput(v)))
      v = bernoulli(sigmoid(visibleInput(h)))
    }
    return v.withoutGradient()
  }

  /// The mean free energy of data less that of the model's rows: its gradient is that of the negative log-likelihood.
  func contrast(_ data: Variable, _ model: Variable) -> Variable {
    let tape = data.tape
    let mean = sigmoid(hiddenInput(data)).mean(0).withoutGradient()
    tape.update(hiddenMean, 0.95 * tape[hiddenMean] + 0.05 * mean)
    return freeEnergy(data).mean() - freeEnergy(model).mean()
  }

  /// An estimate of `-Σ_i log p(v_i | all others)` from one unit of each row, `[rows]` (Besag 1975).
  func pseudoLoss(_ v: Variable) -> Variable {
    oneUnitPseudoLoss(v, width: visible, freeEnergy)
  }

  // MARK: numbers

  func machine(_ parameters: Parameters) -> BipartiteMachine {
    BipartiteMachine(
      visibleBias: parameters[visibleBias].values, hiddenBias: parameters[hiddenBias].values,
      weights: parameters[weight].values)
  }

  /// Means for biases of units that are not connected yet, and chains that are drawn by them.
  func begin(_ parameters: inout Parameters, means: [Float], random: inout RandomStream) {
    parameters[visibleMean] = Tensor(means, shape: [visible])
    parameters[visibleBias] = Tensor(logits(means), shape: [visible])
    let uniforms = random.uniforms(particles.shape.size)
    parameters[particles] = Tensor(
      uniforms.indices.map { uniforms[$0] < means[$0 % visible] ? 1 : 0 }, shape: particles.shape)
  }

  /// The logits of the means: where annealed chains begin.
  func baseRates(_ parameters: Parameters) -> [Float] {
    logits(parameters[visibleMean].values.map { max(1e-6, min(1 - 1e-6, $0)) })
  }

  /// How the model is sampled: from the chains that it was trained with where it was, cooled down from the means otherwise.
  func samplingPlan(_ parameters: Parameters, sweeps: Int, isPersistent: Bool) -> SamplingPlan {
    SamplingPlan(
      sweeps: sweeps, base: baseRates(parameters),
      particles: isPersistent ? parameters[particles].values : [])
  }
}

/// `log p / (1 - p)`
func logits(_ probabilities: [Float]) -> [Float] {
  VectorMath.log(probabilities.map { $0 / (1 - $0) })
}

/// Per column, how often bits are 1, a little away from never and always: as if a fiftieth of a row more had shown each.
func bitMeans(_ rows: [Float], width: Int) -> [Float] {
  let count = rows.count / max(width, 1)
  let sums = VectorMath.columnSums(rows, rows: count, columns: width)
  return sums.map { ($0 + 0.02) / (Float(count) + 0.04) }
}

/// `-Σ_i log p(v_i | all others)` estimated from one unit of each row, drawn anew: `p(v_i | others) = sigmoid(F(v with it turned over)
/// - F(v))`.
func oneUnitPseudoLoss(_ v: Variable, width: Int, _ freeEnergy: (Variable) -> Variable) -> Variable {
  let tape = v.tape
  let places = tape.input(Tensor((0..<width).map(Float.init), shape: [1, width]))
  let place = tape.uniform([v.shape[0], 1]) * Float(width)
  let chosen = greater(place, places) - greater(place, places + 1)
  let turned = v + chosen * (1 - 2 * v)
  return softplus(freeEnergy(v) - freeEnergy(turned)) * Float(width)
}
