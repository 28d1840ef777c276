import Gradients
import Tensors

extension OperationCase {
  /// The same numbers everywhere the function is asked, as classes or masks.
  private static func classes(_ tape: Tape, _ values: [Float]) -> Variable {
    tape.input(Tensor(values, shape: [values.count]))
  }

  static let rows = [
    OperationCase("softmax", [3, 4]) { softmax($0[0]) },
    OperationCase("softmax of columns", [3, 4]) { softmax($0[0], axis: 0) },
    OperationCase("log softmax", [3, 4]) { logSoftmax($0[0]) },
    OperationCase("log sum exp", [3, 4]) { logSumExp($0[0]) },
    OperationCase("log sum exp of columns", [3, 4]) { logSumExp($0[0], axis: 0, keepingAxes: true) },
    OperationCase("cross entropy", [3, 4]) { crossEntropy($0[0], classes: classes($0[0].tape, [2, 0, 3])) },
    OperationCase("binary cross entropy", [3, 4], [3, 4]) { binaryCrossEntropy($0[0], targets: $0[1]) },
    OperationCase("binary cross entropy by logits", [2, 2]) {
      binaryCrossEntropy($0[0], targets: $0[0].tape.input(Tensor([1, 0, 0.5, 1], shape: [2, 2])))
    },
    OperationCase("gather", [4, 3]) { gather($0[0], classes($0[0].tape, [1, 3, 1, 0, 2])) },
    OperationCase("taking", [2, 4]) { $0[0].taking([3, 0, 0], axis: 1) },
    OperationCase("cumulative sum", [2, 4]) { cumulativeSum($0[0]) },
    OperationCase("cumulative sum of columns, reversed", [3, 2]) {
      cumulativeSum($0[0], axis: 0, reversed: true)
    },
    OperationCase("floor", [2, 3]) { $0[0] * floor($0[0] * 1e-3 + 2.5) },
    OperationCase("padded", [2, 3]) { padded($0[0], (1, 2), axes: [0, 1]) },
    OperationCase("dropout", [4, 4]) { dropout($0[0], rate: 0.4) },
  ]

  static let layers = [
    OperationCase("dense, linear", [3, 2], [2, 4], [4]) { dense($0[0], $0[1], $0[2]) },
    OperationCase("dense, tanh", [3, 2], [2, 4], [4]) { dense($0[0], $0[1], $0[2], .tanh) },
    OperationCase("dense, sigmoid", [3, 2], [2, 4], [4]) { dense($0[0], $0[1], $0[2], .sigmoid) },
    OperationCase("dense, relu", [3, 2], [2, 4], [4], domain: .positive) {
      dense($0[0], $0[1], $0[2], .relu)
    },
    OperationCase("dense of a stack, no bias", [2, 3, 2], [2, 4]) { dense($0[0], $0[1], nil, .tanh) },
    OperationCase("layer norm", [3, 5], [5], [5]) { layerNorm($0[0], scale: $0[1], shift: $0[2]) },
    OperationCase("group norm", [2, 4, 2, 2], [4], [4]) {
      groupNorm($0[0], groups: 2, scale: $0[1], shift: $0[2])
    },
    OperationCase("NADE", [3, 4], [4, 5], [5], [4, 5], [4]) { nade($0[0], $0[1], $0[2], $0[3], $0[4]) },
    OperationCase("NADE of given rows", [4, 5], [5], [4, 5], [4]) {
      let x = Tensor([0, 1, 1, 0, 1, 0, 0.5, 1, 0, 0, 1, 1, 1, 1, 0, -1, 0, 0, 0, 0], shape: [5, 4])
      return nade($0[0].tape.input(x), $0[0], $0[1], $0[2], $0[3])
    },
    OperationCase("attention", [2, 3, 2], [2, 4, 2], [2, 4, 3]) { attention($0[0], $0[1], $0[2]) },
    OperationCase("attention of heads", [2, 2, 3, 2], [2, 2, 4, 2], [2, 2, 4, 2]) {
      attention($0[0], $0[1], $0[2])
    },
    OperationCase("attention of interleaved heads, causal", [1, 3, 12]) {
      let parts = $0[0].split(2, into: 3).map { $0.reshaped([1, 3, 2, 2]).transposed(1, 2) }
      return attention(parts[0], parts[1], parts[2], isCausal: true).transposed(1, 2).reshaped([1, 3, 4])
    },
    OperationCase("attention, causal", [2, 3, 2], [2, 3, 2], [2, 3, 2]) {
      attention($0[0], $0[1], $0[2], isCausal: true)
    },
    OperationCase("attention, causal, from a cache", [1, 2, 2], [1, 4, 2], [1, 4, 2]) {
      attention($0[0], $0[1], $0[2], isCausal: true)
    },
  ]

  static let convolutions = [
    OperationCase("convolution", [2, 2, 4, 5], [3, 2, 2, 3]) { convolve2d($0[0], $0[1]) },
    OperationCase("convolution, stride, dilation, zeros", [1, 2, 6, 5], [2, 2, 2, 2]) {
      convolve2d($0[0], $0[1], stride: 2, dilation: 2, padding: 1)
    },
    OperationCase("convolution, uneven zeros", [1, 1, 3, 3], [2, 1, 3, 3]) {
      convolve2d(
        $0[0], $0[1],
        window: Window(
          rows: .init(size: 3, before: 2), columns: .init(size: 3, stride: 2, before: 1, after: 2)))
    },
    OperationCase("convolution, groups and bias", [1, 4, 3, 3], [2, 2, 2, 2], [2]) {
      convolve2d($0[0], $0[1], bias: $0[2], groups: 2)
    },
    OperationCase("convolution, masked", [1, 2, 4, 4], [2, 2, 3, 3]) {
      convolve2d(
        $0[0], $0[1], padding: 1, taps: [true, true, true, true, false, false, false, false, false])
    },
    OperationCase("transposed convolution", [2, 3, 2, 3], [3, 2, 3, 3]) {
      convolve2dTransposed($0[0], $0[1], stride: 2)
    },
    OperationCase("convolution of sequences, causal", [2, 2, 5], [3, 2, 2]) {
      convolve1d($0[0], $0[1], dilation: 2, before: 2)
    },
  ]
}

extension OperationCase {
  static let recurrences = [
    OperationCase("LSTM", [2, 3, 8], [2, 8], [2, 2], [2, 2]) {
      lstm($0[0], $0[1], hidden: $0[2], cell: $0[3]).outputs
    },
    OperationCase("LSTM, last cell", [2, 3, 8], [2, 8], [2, 2], [2, 2]) {
      lstm($0[0], $0[1], hidden: $0[2], cell: $0[3]).cell
    },
    OperationCase("LSTM, both", [2, 2, 4], [1, 4]) {
      let (outputs, cell) = lstm($0[0], $0[1])
      return outputs * cell.inserting(1)
    },
    OperationCase("RNN, tanh", [2, 3, 2], [2, 2], [2, 2]) { rnn($0[0], $0[1], hidden: $0[2]) },
    OperationCase("RNN, relu, on its slopes", [2, 3, 2], [2, 2], domain: .positive) {
      rnn($0[0], $0[1], .relu)
    },
    OperationCase("GRU", [2, 3, 6], [2, 6], [6], [2, 2]) { gru($0[0], $0[1], bias: $0[2], hidden: $0[3]) },
  ]

  static let checkpoints = [
    OperationCase("a checkpoint", [3, 2], [2, 2]) { x in
      let y = x[0].tape.checkpoint([x[0], x[1]]) { tanh(matmul($0[0] * 0.3, $0[1])) * $0[0] }
      return y.tape.checkpoint([y]) { sigmoid($0[0]) } + y
    },
    OperationCase("a checkpoint in a checkpoint", [3, 2]) { x in
      x[0].tape.checkpoint([x[0]]) { y in
        y[0].tape.checkpoint([y[0]]) { dropout(exp($0[0]), rate: 0.3) } * y[0]
      }
    },
  ]
}
