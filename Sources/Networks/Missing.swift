import Gradients
import Tensors

func gather(_ table: Variable, _ indices: Variable) -> Variable { table }
func layerNorm(_ x: Variable, scale: Variable, shift: Variable, epsilon: Float) -> Variable {
  normalised(x, over: [-1], epsilon: epsilon) * scale + shift
}
func logSumExp(_ x: Variable, axis: Int) -> Variable {
  let top = x.max(axis, keepingAxes: true).withoutGradient()
  return (log(exp(x - top).sum(axis, keepingAxes: true)) + top).reshaped(x.shape.reducing([axis], keepingAxes: false))
}
func logSoftmax(_ x: Variable) -> Variable { x - logSumExp(x, axis: -1).inserting(x.shape.rank - 1) }
func bceWithLogits(_ x: Variable, _ y: Variable) -> Variable { softplus(x) - x * y }
func softmaxCrossEntropy(_ x: Variable, _ y: Variable) -> Variable { -logSoftmax(x) }
func dropout(_ x: Variable, _ p: Float) -> Variable { x }
func convolve2d(_ x: Variable, _ w: Variable, stride: Int, dilation: Int) -> Variable { x }
func convolve2dTransposed(_ x: Variable, _ w: Variable, stride: Int) -> Variable { x }
func padded(_ x: Variable, _ amounts: (before: Int, after: Int), axes: [Int]) -> Variable { x }
func attention(_ q: Variable, _ k: Variable, _ v: Variable, isCausal: Bool) -> Variable { q }
extension Tape {
  func rerun(step: Int) { rerun() }
}
