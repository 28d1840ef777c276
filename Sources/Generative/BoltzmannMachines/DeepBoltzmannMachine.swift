public import Gradients
public import Networks
import Tensors

/// What can be chosen about a deep Boltzmann machine.
public typealias DeepBoltzmannSettings = JoinedSettings<DeepBoltzmannUnits, ChainSettings>

/// What can be chosen about the units of a deep Boltzmann machine.
public struct DeepBoltzmannUnits: ModelSettings {
  /// Units of each hidden layer from the bottom up; one number for two layers of as many. Nothing for as many as a row has bits,
  /// within 16 and 256, and half as many above.
  public var hidden: [Int] = []
  /// Mean-field updates of the hidden units given a row.
  public var meanField = 10
  /// The share of the steps in which layers are trained one after another as machines of their own, before all of them together;
  /// 0 for none, since centred gradients do without.
  public var pretraining: Float = 0

  public init() {}
  public func check() throws(FitError) {
    try checkLayers(hidden)
    guard (1...1000).contains(meanField) else { throw .setting("meanField is \(meanField), not 1 to 1000") }
    try SettingCheck.share("pretraining", pretraining)
  }
}

/// A deep Boltzmann machine of bits, `E(v, h) = -vᵀW₁h₁ - h₁ᵀW₂h₂ - … - Σ bᵀh` (Salakhutdinov & Hinton 2009).
///
/// Its even layers (the visible one among them) are independent given the odd ones and the other way round: it is a bipartite
/// machine of which only a part of one side is seen. A row's hidden units are described by mean field; as the odd ones can then be
/// summed in closed form, `log p(v) ≥ -F(v, m) + H(m) - log Z` with the means m of the even hidden units.
public struct DeepBoltzmannMachine: EnergyDesign, EncodingDesign, InpaintingDesign {
  public static let name = "dbm"
  public static let likelihoodKind = LikelihoodKind.lowerBound
  public static var training: TrainingSettings { RestrictedBoltzmannMachine.training }
  public static func support(for form: RowForm, _ settings: DeepBoltzmannSettings) -> Support { .binary }

  let settings: DeepBoltzmannSettings
  /// Units of all layers, the visible one first.
  let sizes: [Int]
  /// Even layers and odd ones as the two sides of a machine; of the even ones the visible layer comes first.
  let layer: BipartiteLayer
  let partition: PartitionSlot
  var visible: Int { sizes[0] }
  /// Units of the even hidden layers.
  var evenHidden: Int { layer.visible - visible }
  /// The shares of the steps: of each layer's own training, then of all layers together.
  public var stages: [Float] {
    guard settings.pretraining > 0 else { return [1] }
    let machines = sizes.count - 1
    return [Float](repeating: settings.pretraining / Float(machines), count: machines)
      + [1 - settings.pretraining]
  }
  /// All hidden units: the odd layers first.
  public var codeWidth: Int { layer.hidden + evenHidden }

  public init(
    _ settings: DeepBoltzmannSettings, form: RowForm, in scope: inout ParameterScope
  ) throws(FitError) {
    self.settings = settings
    let usual = max(16, min(256, form.width))
    let hidden =
      switch settings.hidden.count {
      case 0: [usual, max(8, usual / 2)]
      case 1: [settings.hidden[0], settings.hidden[0]]
      default: settings.hidden
      }
    sizes = [form.width] + hidden
    let even = Self.units(of: sizes, from: 0)
    let odd = Self.units(of: sizes, from: 1)
    let isConnected = even.flatMap { i in odd.map { abs(i - $0) == 1 ? Float(1) : 0 } }
    layer = BipartiteLayer(
      visible: even.count, hidden: odd.count, particles: settings.particles,
      connected: isConnected.contains(0) ? Tensor(isConnected, shape: [even.count, odd.count]) : nil,
      in: &scope)
    partition = PartitionSlot(in: &scope)
  }

  /// For every unit of every other layer, its layer.
  private static func units(of sizes: [Int], from first: Int) -> [Int] {
    stride(from: first, to: sizes.count, by: 2).flatMap { [Int](repeating: $0, count: sizes[$0]) }
  }

  // MARK: the model

  /// The means of the hidden units given the visible ones, by mean field: those of the odd layers, and the inputs of those of
  /// the even ones. Each update is the best one given the other side, so that the bound never falls.
  func meanField(_ v: Variable) -> (odd: Variable, evenInput: Variable?) {
    let tape = v.tape
    let weight = tape[layer.weight]
    let input = matmul(v, weight[0, 0..<visible]) + tape[layer.hiddenBias]
    guard evenHidden > 0 else { return (sigmoid(input), nil) }
    let upper = weight[0, visible..<layer.visible]
    let bias = tape[layer.visibleBias][0, visible..<layer.visible]
    var even = tape[layer.visibleMean][0, visible..<layer.visible].expanded(to: [v.shape[0], evenHidden])
    var evenInput = even
    for _ in 0..<settings.meanField {
      let odd = sigmoid(input + matmul(even, upper))
      evenInput = matmul(odd, upper, transposedB: true) + bias
      even = sigmoid(evenInput)
    }
    return (sigmoid(input + matmul(even, upper)), evenInput)
  }

  /// The visible units with the means of the even hidden ones beside them, and the entropy of these, `[rows]`.
  private func completed(_ v: Variable) -> (units: Variable, entropy: Variable?) {
    guard let input = meanField(v).evenInput else { return (v, nil) }
    let means = sigmoid(input)
    return (concatenate([v, means], axis: -1), (softplus(input) - input * means).sum(-1))
  }

  /// `F(v, m) - H(m)`: at least the free energy, `[rows]`.
  func variationalFreeEnergy(_ v: Variable) -> Variable {
    let (units, entropy) = completed(v)
    return entropy.map { layer.freeEnergy(units) - $0 } ?? layer.freeEnergy(units)
  }

  public func loss(_ rows: Rows, stage: Int) -> Variable {
    guard rows.isTraining else {
      return oneUnitPseudoLoss(rows.x, width: visible, variationalFreeEnergy).mean()
    }
    if stage < stages.count - 1 {
      return DeepBoltzmannPretraining(self, rows.tape).loss(rows.x, machine: stage)
    }
    let tape = rows.tape
    let data = completed(rows.x).units.withoutGradient()
    tape.update(layer.visibleMean, 0.95 * tape[layer.visibleMean] + 0.05 * data.mean(0))
    return layer.contrast(data, tape[layer.particles])
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    -variationalFreeEnergy(rows.x) - partition(rows.tape)
  }

  public func likelihoodKind(_ parameters: Parameters) -> LikelihoodKind { .lowerBound }

  public func encode(_ rows: Rows) -> Variable {
    let (odd, evenInput) = meanField(rows.x)
    return evenInput.map { concatenate([odd, sigmoid($0)], axis: -1) } ?? odd
  }

  public func decode(_ codes: Variable, labels: Variable?) -> Variable {
    sigmoid(layer.visibleInput(codes[-1, 0..<layer.hidden])[-1, 0..<visible])
  }

  // MARK: training

  public func begin(_ parameters: Parameters, rows: [Float], seed: UInt64) -> Parameters {
    var parameters = parameters
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
    let means = bitMeans(rows, width: visible) + [Float](repeating: 0.5, count: evenHidden)
    layer.begin(&parameters, means: means, random: &random)
    return parameters
  }

  public func optimizers(_ training: TrainingSettings) -> [Optimizer] {
    stages.map { _ in .sgd(rate: training.rate, momentum: settings.momentum, decay: training.decay) }
  }

  public func companion(_ stages: TrainingStages, seed: UInt64) -> (any TrainingCompanion)? {
    PersistentChains(
      [BipartiteLayer?](repeating: nil, count: stages.count - 1) + [layer], stages, sweeps: settings.steps,
      isCentred: settings.centred, seed: seed)
  }

  public func completed(_ parameters: Parameters, seed: UInt64) -> Parameters {
    partition.found(layer, settings.shared.sampler, parameters, seed: seed)
  }

  // MARK: sampling

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let parameters = buffer.parameters
    let units = layer.machine(parameters).sample(
      count: request.count, seed: request.seed,
      plan: layer.samplingPlan(parameters, sweeps: settings.sweeps, isPersistent: true))
    return visiblePart(units)
  }

  public func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    let parameters = buffer.parameters
    // All units of the even hidden layers are free.
    func widened(_ rows: [Float]) -> [Float] {
      (0..<count).flatMap {
        Array(rows[$0 * visible..<($0 + 1) * visible]) + [Float](repeating: 0, count: evenHidden)
      }
    }
    let units = layer.machine(parameters).inpaint(
      widened(values), mask: widened(mask), count: count, seed: seed,
      plan: layer.samplingPlan(parameters, sweeps: settings.sweeps, isPersistent: true))
    return visiblePart(units)
  }

  private func visiblePart(_ units: [Float]) -> [Float] {
    evenHidden == 0
      ? units
      : stride(from: 0, to: units.count, by: layer.visible).flatMap { units[$0..<$0 + visible] }
  }
}

extension NetworkModel<DeepBoltzmannMachine> {
  /// The partition function that bounds are computed with.
  public var logPartition: LogPartition { design.partition[parameters] }

  /// `log p` of each row with the sum over all hidden units written out, given a partition function; for few even hidden units.
  ///
  /// - Precondition: at most 20 of these.
  public func exactLogLikelihoods(_ rows: Records) -> [Double] {
    let machine = design.layer.machine(parameters)
    let (visible, odd) = (design.visible, machine.hidden)
    precondition(
      design.evenHidden <= BipartiteMachine.mostEnumerated, "sums over \(design.evenHidden) units")
    let prepared = preparation(rows.matrix)
    return (0..<rows.count).map { row in
      let v = Array(prepared[row * visible..<(row + 1) * visible])
      var input = machine.hiddenBias
      Product.multiply(m: 1, n: odd, k: visible, v, machine.weights, into: &input, accumulate: true)
      let upper = BipartiteMachine(
        visibleBias: Array(machine.visibleBias[visible...]), hiddenBias: input,
        weights: Array(machine.weights[(visible * odd)...]))
      let linear = Double(VectorMath.dot(v, Array(machine.visibleBias[..<visible])))
      return linear + Double(VectorMath.logSumExp(upper.logWeights())) - logPartition.value
    }
  }
}
