public import Gradients
public import Networks
import Tensors

/// What can be chosen about a deep belief network.
public typealias DeepBeliefSettings = JoinedSettings<DeepBeliefUnits, ChainSettings>

/// What can be chosen about the units of a deep belief network.
public struct DeepBeliefUnits: ModelSettings {
  /// Units of each hidden layer from the bottom up; one number for two layers of as many. Nothing for as many as a row has bits,
  /// within 16 and 256, and above them as many as a row has bits, so that the second layer begins as the first one turned over.
  public var hidden: [Int] = []
  public var negativePhase = NegativePhase.persistent

  public init() {}
  public func check() throws(FitError) { try checkLayers(hidden) }
}

/// A deep belief network of bits: a restricted Boltzmann machine on top, and below it layers that are drawn downwards,
/// `p(v, h₁, …) = p(v | h₁) … p(h_L-1, h_L)` (Hinton, Osindero & Teh 2006).
///
/// The layers are trained greedily as machines of their own, each on draws of the one below. Where a layer is as wide as the one two
/// below, it begins as the lower machine turned over: the network is then what the lower machine was, and training the new layer
/// can only raise the bound `log p(v) ≥ E_q[log p(v, h) - log q(h | v)]`, with q the way upwards.
public struct DeepBeliefNetwork: EnergyDesign, EncodingDesign, InpaintingDesign {
  public static let name = "dbn"
  public static let likelihoodKind = LikelihoodKind.lowerBound
  public static var training: TrainingSettings {
    var training = RestrictedBoltzmannMachine.training
    // Each layer has a cosine of its own.
    training.cosine = false
    return training
  }
  public static func support(for form: RowForm, _ settings: DeepBeliefSettings) -> Support { .binary }

  let settings: DeepBeliefSettings
  /// Each with the units below it as its visible ones.
  let layers: [BipartiteLayer]
  /// 1 for each layer whose training has begun.
  let begun: Slot
  /// Of the machine on top.
  let partition: PartitionSlot
  public var codeWidth: Int { top.hidden }
  public var stages: [Float] { layers.map { _ in 1 } }
  var top: BipartiteLayer { layers[layers.count - 1] }

  public init(
    _ settings: DeepBeliefSettings, form: RowForm, in scope: inout ParameterScope
  ) throws(FitError) {
    self.settings = settings
    let hidden =
      switch settings.hidden.count {
      case 0: [max(16, min(256, form.width)), form.width]
      case 1: [settings.hidden[0], settings.hidden[0]]
      default: settings.hidden
      }
    layers = zip([form.width] + hidden, hidden).enumerated().map { level, sizes in
      scope.within("\(level)") {
        BipartiteLayer(visible: sizes.0, hidden: sizes.1, particles: settings.particles, in: &$0)
      }
    }
    begun = scope.statistic("begun", [hidden.count])
    partition = PartitionSlot(in: &scope)
  }

  private var isPersistent: Bool { settings.negativePhase == .persistent }

  // MARK: the model

  public func loss(_ rows: Rows, stage: Int) -> Variable {
    guard rows.isTraining else { return layers[0].pseudoLoss(rows.x).mean() }
    let data = layers[..<stage].reduce(rows.x) { bernoulli(sigmoid($1.hiddenInput($0))) }
    let layer = layers[stage]
    return layer.contrast(
      data, isPersistent ? rows.tape[layer.particles] : layer.contrasted(data, steps: settings.steps))
  }

  /// `log p(v, h) - log q(h | v)` but for the partition function, with units that `draw` makes of their inputs and the entropy of q in
  /// closed form, `[rows]`.
  private func bound(_ v: Variable, draw: (Variable) -> Variable) -> Variable {
    var below = v
    var bound: Variable?
    for layer in layers.dropLast() {
      let input = layer.hiddenInput(below)
      let h = draw(input)
      let entropy = (softplus(input) - input * sigmoid(input)).sum(-1)
      let likelihood = -binaryCrossEntropy(layer.visibleInput(h), targets: below).sum(-1)
      bound = bound.map { $0 + entropy + likelihood } ?? (entropy + likelihood)
      below = h
    }
    let energy = top.freeEnergy(below)
    return bound.map { $0 - energy } ?? -energy
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    let (count, width) = (rows.count, rows.x.shape[1])
    let spread = rows.x.inserting(1).expanded(to: [count, samples, width]).contiguous()
    let bounds = bound(spread.reshaped([count * samples, width])) { bernoulli(sigmoid($0)) }
    return bounds.reshaped([count, samples]).mean(-1) - partition(rows.tape)
  }

  /// The bound with the means of the units instead of draws of them.
  public func strangeness(_ rows: Rows) -> Variable { partition(rows.tape) - bound(rows.x, draw: sigmoid) }

  public func likelihoodKind(_ parameters: Parameters) -> LikelihoodKind { .lowerBound }

  public func encode(_ rows: Rows) -> Variable {
    layers.reduce(rows.x) { sigmoid($1.hiddenInput($0)) }
  }

  public func decode(_ codes: Variable, labels: Variable?) -> Variable {
    layers.reversed().reduce(codes) { sigmoid($1.visibleInput($0)) }
  }

  // MARK: training

  public func begin(_ parameters: Parameters, rows: [Float], seed: UInt64) -> Parameters {
    var parameters = parameters
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
    layers[0].begin(&parameters, means: bitMeans(rows, width: layers[0].visible), random: &random)
    return parameters
  }

  public func optimizers(_ training: TrainingSettings) -> [Optimizer] {
    layers.map {
      .sgd(rate: training.rate, momentum: settings.momentum, decay: training.decay, ranges: [$0.range])
    }
  }

  public func companion(_ stages: TrainingStages, seed: UInt64) -> (any TrainingCompanion)? {
    PersistentChains(
      layers, stages, sweeps: isPersistent ? settings.steps : 0, isCentred: settings.centred,
      isSlowing: true, seed: seed
    ) { stage, buffer in
      beginLayer(stage, buffer, seed: seed)
    }
  }

  /// A layer takes over what the one below it knows: its units' bias and means, and where the sizes allow all of it, turned over.
  private func beginLayer(_ level: Int, _ buffer: ParameterBuffer, seed: UInt64) {
    buffer.view(begun).sliced(0, from: level, count: 1).fill(1)
    guard level > 0 else { return }
    let (lower, layer) = (layers[level - 1], layers[level])
    var chains = BlockGibbs(
      visible: lower.visible, hidden: lower.hidden, chains: lower.particles.shape[0])
    chains.load(
      weights: buffer.view(lower.weight), visibleBias: buffer.view(lower.visibleBias),
      hiddenBias: buffer.view(lower.hiddenBias))
    chains.loadVisible(buffer.view(lower.particles))
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1 + level))
    chains.sampleHidden(&random)
    buffer.view(layer.particles).assign(chains.hiddenUnits)
    buffer.view(layer.visibleBias).copy(buffer.view(lower.hiddenBias))
    buffer.view(layer.visibleMean).copy(buffer.view(lower.hiddenMean))
    guard layer.hidden == lower.visible else { return }
    buffer.view(layer.weight).copy(buffer.view(lower.weight).transposed())
    buffer.view(layer.hiddenBias).copy(buffer.view(lower.visibleBias))
    buffer.view(layer.hiddenMean).copy(buffer.view(lower.visibleMean))
  }

  public func completed(_ parameters: Parameters, seed: UInt64) -> Parameters {
    let buffer = ParameterBuffer(parameters)
    // Training may have ended before their turn.
    for level in layers.indices where parameters[begun].values[level] == 0 {
      beginLayer(level, buffer, seed: seed)
    }
    return partition.found(top, settings.shared.sampler, buffer.parameters, seed: seed)
  }

  // MARK: sampling

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let parameters = buffer.parameters
    let units = top.machine(parameters).sample(
      count: request.count, seed: request.seed,
      plan: top.samplingPlan(parameters, sweeps: settings.sweeps, isPersistent: isPersistent))
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(4))
    return downwards(units, count: request.count, parameters, &random)
  }

  /// The visible units below units that the top layers share.
  private func downwards(
    _ units: [Float], count: Int, _ parameters: Parameters, _ random: inout RandomStream
  ) -> [Float] {
    layers.dropLast().reversed().reduce(units) { units, layer in
      var gibbs = BlockGibbs(visible: layer.visible, hidden: layer.hidden, chains: count)
      gibbs.load(layer.machine(parameters))
      gibbs.hiddenUnits = units
      gibbs.sampleVisible(&random)
      return gibbs.visibleUnits
    }
  }

  /// Rows go up by q, once to and fro in the top layers and down again, over and over; what is given is put back each time.
  public func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    let parameters = buffer.parameters
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(5))
    var gibbs = layers.map { layer in
      var gibbs = BlockGibbs(visible: layer.visible, hidden: layer.hidden, chains: count)
      gibbs.load(layer.machine(parameters), base: layer.baseRates(parameters))
      return gibbs
    }
    gibbs[0].hold(values, mask: mask)
    gibbs[0].sampleBase(&random)
    for _ in 0..<settings.sweeps {
      for level in layers.indices {
        if level > 0 { gibbs[level].visibleUnits = gibbs[level - 1].hiddenUnits }
        gibbs[level].sampleHidden(&random)
      }
      for level in layers.indices.reversed() {
        gibbs[level].sampleVisible(&random)
        if level > 0 { gibbs[level - 1].hiddenUnits = gibbs[level].visibleUnits }
      }
    }
    return gibbs[0].visibleUnits
  }
}

extension NetworkModel<DeepBeliefNetwork> {
  /// The partition function of the machine on top.
  public var logPartition: LogPartition { design.partition[parameters] }

  /// `log p` of each row with the sum over the hidden units of the first layer written out.
  ///
  /// - Precondition: two layers, of which the first has at most 14 units.
  public func exactLogLikelihoods(_ rows: Records) -> [Double] {
    precondition(
      design.layers.count == 2 && design.top.visible <= 14,
      "sums over \(design.top.visible) units of \(design.layers.count) layers")
    let lower = design.layers[0].machine(parameters)
    let (visible, hidden) = (lower.visible, lower.hidden)
    let prior = design.top.machine(parameters).logWeights()
    let states = prior.indices.flatMap { state in (0..<hidden).map { Float(state >> $0 & 1) } }
    // b + W h of each state, and what is the same for all rows.
    var inputs: [Float] = prior.indices.flatMap { _ in lower.visibleBias }
    Product.multiply(
      m: prior.count, n: visible, k: hidden, states, lower.weights, otherTransposed: true, into: &inputs,
      accumulate: true)
    let soft = VectorMath.softplus(inputs)
    let constant = prior.indices.map { state in
      prior[state] - VectorMath.sum(Array(soft[state * visible..<(state + 1) * visible]))
    }
    let prepared = preparation(rows.matrix)
    return (0..<rows.count).map { row in
      var terms = constant
      Product.multiply(
        m: prior.count, n: 1, k: visible, inputs, Array(prepared[row * visible..<(row + 1) * visible]),
        into: &terms, accumulate: true)
      return Double(VectorMath.logSumExp(terms)) - logPartition.value
    }
  }
}
