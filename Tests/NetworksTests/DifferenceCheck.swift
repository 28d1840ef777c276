import Gradients
import Tensors

/// Compares derivatives on the tape with central differences of the same function, by inputs and parameters alike.
struct DifferenceCheck: Sendable {
  typealias Recording = () -> (tape: Tape, targets: [Variable], output: Variable)
  /// Largest error allowed, relative where the truth is above 1.
  var tolerance: Float = 1e-3

  func firstOrder(_ record: Recording) -> Float { worst(record) { objective($0.output) } }
  func secondOrder(_ record: Recording) -> Float {
    worst(record) { directional($0.tape, objective($0.output), $0.targets) }
  }

  /// `Σ weights · tanh(0.3 y)`: one number, with a second derivative even where y is linear.
  private func objective(_ y: Variable) -> Variable {
    var random = RandomStream(seed: 99)
    let weights = y.tape.input(Tensor(random.normals(y.shape.size), shape: y.shape))
    return (tanh(y * 0.3) * weights).sum()
  }

  /// One number made of all first derivatives.
  private func directional(_ tape: Tape, _ loss: Variable, _ targets: [Variable]) -> Variable {
    var random = RandomStream(seed: 98)
    var total = tape.input(.scalar(0))
    for gradient in tape.gradients(of: loss, by: targets, differentiable: true) {
      let direction = tape.input(Tensor(random.normals(gradient.shape.size), shape: gradient.shape))
      total = total + (gradient * direction).sum()
    }
    return total
  }

  /// The largest error of the gradient of one number by all targets; below 1 is within tolerance.
  private func worst(
    _ record: Recording, _ number: ((tape: Tape, targets: [Variable], output: Variable)) -> Variable
  ) -> Float {
    let mine = record()
    let gradients = mine.tape.gradients(of: number(mine), by: mine.targets).map(\.value.values)
    let other = record()
    let output = number(other)
    var worst: Float = 0
    for (target, gradient) in zip(other.targets, gradients) {
      let values = target.value.values
      for i in gradient.indices {
        func at(_ step: Float) -> Double {
          var moved = values
          moved[i] += step
          target.view.assign(moved)
          other.tape.rerun()
          return Double(output.scalar)
        }
        let h: Float = 0.03
        // Fourth order: the error is far below single precision's noise.
        let truth = Float((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / Double(12 * h))
        let error = abs(gradient[i] - truth) / (tolerance * max(1, abs(truth)))
        worst = error.isNaN ? .infinity : max(worst, error)
      }
      target.view.assign(values)
    }
    return worst
  }
}
