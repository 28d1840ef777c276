import Gradients
import Tensors

/// Where a model keeps the logarithm of its partition function: value, standard error and whether it is exact.
struct PartitionSlot: Sendable {
  private let slot: Slot

  init(in scope: inout ParameterScope) { slot = scope.statistic("partition", [3]) }

  /// `log Z` as a number on a tape, `[1]`.
  func callAsFunction(_ tape: Tape) -> Variable { tape[slot][0, 0..<1] }

  subscript(parameters: Parameters) -> LogPartition {
    let values = parameters[slot].values
    return LogPartition(
      value: Double(values[0]), standardError: Double(values[1]), isExact: values[2] == 1)
  }

  /// The parameters with the partition function of the machine that a layer is.
  func found(
    _ layer: BipartiteLayer, _ sampler: AnnealedImportanceSampling, _ parameters: Parameters, seed: UInt64
  ) -> Parameters {
    var parameters = parameters
    set(
      sampler.logPartition(layer.machine(parameters), base: layer.baseRates(parameters), seed: seed),
      in: &parameters)
    return parameters
  }

  func set(_ partition: LogPartition, in parameters: inout Parameters) {
    parameters[slot] = Tensor(
      [Float(partition.value), Float(partition.standardError), partition.isExact ? 1 : 0], shape: [3])
  }
}
