import Gradients
import Networks
import Tensors

/// The company of layers of ``BipartiteLayer`` that are trained one after another: their chains follow the model (Tieleman 2008),
/// and their gradients are centred.
final class PersistentChains: TrainingCompanion {
  private let layers: [BipartiteLayer?]
  private let stages: TrainingStages
  private let seed: UInt64
  /// Gibbs sweeps per step; 0 where no chains are kept.
  private let sweeps: Int
  private let isCentred: Bool
  private let isSlowing: Bool
  private let enter: (Int, ParameterBuffer) -> Void
  private var gibbs: (stage: Int, chains: BlockGibbs)?

  /// - Parameters:
  ///   - layers: of each stage; nil for one whose loss needs no company.
  ///   - isSlowing: whether each stage ends at a small rate, along a cosine of its own.
  ///   - enter: called before the first step of a stage.
  init(
    _ layers: [BipartiteLayer?], _ stages: TrainingStages, sweeps: Int, isCentred: Bool,
    isSlowing: Bool = false, seed: UInt64,
    enter: @escaping (Int, ParameterBuffer) -> Void = { _, _ in }
  ) {
    self.layers = layers
    self.stages = stages
    self.sweeps = sweeps
    self.isCentred = isCentred
    self.isSlowing = isSlowing
    self.seed = seed
    self.enter = enter
  }

  func before(_ buffer: ParameterBuffer, step: Int) {
    let stage = stages.place(of: step).stage
    if step == stages.begin(of: stage) { enter(stage, buffer) }
    guard sweeps > 0, let layer = layers[stage] else { return }
    var chains: BlockGibbs
    if let gibbs, gibbs.stage == stage {
      chains = gibbs.chains
      self.gibbs = nil
    } else {
      chains = BlockGibbs(
        visible: layer.visible, hidden: layer.hidden, chains: layer.particles.shape[0])
    }
    chains.load(
      weights: buffer.view(layer.weight), visibleBias: buffer.view(layer.visibleBias),
      hiddenBias: buffer.view(layer.hiddenBias))
    chains.loadVisible(buffer.view(layer.particles))
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(step))
    for _ in 0..<sweeps { chains.sweep(&random) }
    chains.storeVisible(into: buffer.view(layer.particles))
    gibbs = (stage, chains)
  }

  func after(_ buffer: ParameterBuffer, step: Int) {
    let (stage, share) = stages.place(of: step)
    if let layer = layers[stage] {
      if let connected = layer.connected {
        let gradient = buffer.gradient(layer.weight)
        gradient.assign(zip(gradient.values, connected.values).map { $0 * $1 })
      }
      if isCentred { centre(layer, buffer) }
    }
    if isSlowing {
      let factor = Schedule.cosine(steps: 1000, end: 0).factor(after: Int(share * 1000))
      let gradient = buffer.gradient
      Elementwise.affine(gradient, factor: factor, offset: 0, into: gradient)
    }
  }

  /// The gradient by the parameters of `-(v - μ)ᵀ W (h - λ) - bᵀv - cᵀh` instead, which does not depend on how bits are coded (Melchior,
  /// Fischer & Wiskott 2016, equations 14 to 16): `∂W -= μ ∂cᵀ + ∂b λᵀ`, then `∂b -= ∂W λ` and `∂c -= ∂Wᵀ μ`.
  private func centre(_ layer: BipartiteLayer, _ buffer: ParameterBuffer) {
    let (n, m) = (layer.visible, layer.hidden)
    let one = Workers()
    let weight = buffer.gradient(layer.weight)
    let visible = buffer.gradient(layer.visibleBias).reshaped([n, 1])
    let hidden = buffer.gradient(layer.hiddenBias).reshaped([1, m])
    let mean = buffer.view(layer.visibleMean).reshaped([n, 1])
    let hiddenMean = buffer.view(layer.hiddenMean).reshaped([1, m])
    Product.multiply(mean, hidden, factor: -1, into: weight, accumulate: true, workers: one)
    Product.multiply(visible, hiddenMean, factor: -1, into: weight, accumulate: true, workers: one)
    if let connected = layer.connected {
      weight.assign(zip(weight.values, connected.values).map { $0 * $1 })
    }
    Product.multiply(
      weight, hiddenMean.transposed(), factor: -1, into: visible, accumulate: true, workers: one)
    Product.multiply(mean.transposed(), weight, factor: -1, into: hidden, accumulate: true, workers: one)
  }
}
