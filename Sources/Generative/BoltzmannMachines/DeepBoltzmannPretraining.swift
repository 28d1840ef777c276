import Gradients
import Tensors

/// The greedy begin of a ``DeepBoltzmannMachine``: each pair of layers as a restricted Boltzmann machine of its own, on draws of the
/// layer below (Salakhutdinov & Hinton 2009, section 3.1).
///
/// A layer in the middle will hear from both sides, but its machine knows one: what comes up into it and what comes down into it is
/// counted twice, except at the lowest machine's visible units and the highest one's hidden units, which have one neighbour.
struct DeepBoltzmannPretraining {
  private let sizes: [Int]
  private let weight: Variable
  private let evenBias: Variable
  private let oddBias: Variable

  init(_ machine: DeepBoltzmannMachine, _ tape: Tape) {
    sizes = machine.sizes
    weight = tape[machine.layer.weight]
    evenBias = tape[machine.layer.visibleBias]
    oddBias = tape[machine.layer.hiddenBias]
  }

  private var machines: Int { sizes.count - 1 }

  /// Where a layer's units lie among those of its side.
  private func place(_ layer: Int) -> Range<Int> {
    let first = stride(from: layer % 2, to: layer, by: 2).reduce(0) { $0 + sizes[$1] }
    return first..<first + sizes[layer]
  }

  private func bias(_ layer: Int) -> Variable {
    (layer % 2 == 0 ? evenBias : oddBias)[0, place(layer)]
  }

  /// From a layer to the one above it, `[units below, units above]`.
  private func weight(_ layer: Int) -> Variable {
    let (even, odd) = layer % 2 == 0 ? (layer, layer + 1) : (layer + 1, layer)
    let block = weight[0, place(even)][1, place(odd)]
    return layer % 2 == 0 ? block : block.transposed(0, 1)
  }

  /// How often what comes up counts.
  private func upwards(_ machine: Int) -> Float { machine < machines - 1 ? 2 : 1 }
  private func downwards(_ machine: Int) -> Float { machine > 0 ? 2 : 1 }

  private func hiddenInput(_ units: Variable, _ machine: Int) -> Variable {
    matmul(units, weight(machine)) * upwards(machine) + bias(machine + 1)
  }

  /// What the machine's hidden units are sure of, so that its gradient by W is `-v p(h = 1 | v)`:
  /// `-bᵀv - 1/n Σ softplus(c + n Wᵀv)` with n the count of what comes up. The bias of a layer below belongs to the machine that it
  /// is the top of.
  private func energy(_ units: Variable, _ machine: Int) -> Variable {
    let soft = softplus(hiddenInput(units, machine)).sum(-1) * (1 / upwards(machine))
    guard machine == 0 else { return -soft }
    let linear = matmul(units, bias(0).reshaped([sizes[0], 1])).reshaped([units.shape[0]])
    return -(linear + soft)
  }

  /// Contrastive divergence of one of the machines, given visible rows: one number.
  func loss(_ rows: Variable, machine: Int) -> Variable {
    let data = (0..<machine).reduce(rows) { bernoulli(sigmoid(hiddenInput($0, $1))) }.withoutGradient()
    let hidden = bernoulli(sigmoid(hiddenInput(data, machine)))
    let back = matmul(hidden, weight(machine), transposedB: true) * downwards(machine) + bias(machine)
    let model = bernoulli(sigmoid(back)).withoutGradient()
    return energy(data, machine).mean() - energy(model, machine).mean()
  }
}
