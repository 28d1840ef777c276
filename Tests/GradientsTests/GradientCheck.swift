import Gradients
import Tensors

/// Compares derivatives on the tape with central differences of the same function.
struct GradientCheck: Sendable {
  /// Largest error allowed, relative where the truth is above 1.
  var tolerance: Float = 3e-4

  /// `Σ weights · tanh(0.3 f(x))`: one number, with a second derivative even where f is linear.
  func objective(_ f: ([Variable]) -> Variable, _ inputs: [Variable]) -> Variable {
    let output = f(inputs)
    var random = RandomStream(seed: 99)
    let weights = output.tape.input(Tensor(random.normals(output.shape.size), shape: output.shape))
    return (tanh(output * 0.3) * weights).sum()
  }

  /// One number made of all first derivatives.
  func directional(_ f: ([Variable]) -> Variable, _ inputs: [Variable]) -> Variable {
    let tape = inputs[0].tape
    let loss = objective(f, inputs)
    var random = RandomStream(seed: 98)
    var total = tape.input(.scalar(0))
    for gradient in tape.gradients(of: loss, by: inputs, differentiable: true) {
      let direction = tape.input(Tensor(random.normals(gradient.shape.size), shape: gradient.shape))
      total = total + (gradient * direction).sum()
    }
    return total
  }

  /// The largest error of `function`'s gradient by its inputs at `x`; below 1 is within tolerance.
  func worst(
    at x: [Tensor], differentiable: Bool = false, _ function: ([Variable]) -> Variable
  ) -> Float {
    let tape = Tape()
    let inputs = x.map { tape.input($0) }
    let mine = tape.gradients(of: function(inputs), by: inputs, differentiable: differentiable)
    // The tape of the differences is recorded once and run again with moved inputs.
    let other = Tape()
    let moved = x.map { other.input($0) }
    let output = function(moved)
    var worst: Float = 0
    for which in x.indices {
      let gradient = mine[which].value.values
      for i in gradient.indices {
        func at(_ step: Float) -> Double {
          var values = x[which].values
          values[i] += step
          other.assign(moved[which], values)
          other.rerun(step: 0)
          return Double(output.scalar)
        }
        let h: Float = 0.03
        // Fourth order: the error is far below single precision's noise.
        let truth = Float((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / Double(12 * h))
        let error = abs(gradient[i] - truth) / (tolerance * max(1, abs(truth)))
        worst = error.isNaN ? .infinity : max(worst, error)
      }
      other.assign(moved[which], x[which].values)
    }
    return worst
  }

  func firstOrder(at x: [Tensor], _ f: ([Variable]) -> Variable) -> Float {
    worst(at: x) { objective(f, $0) }
  }
  /// First order again, by the derivative that can be differentiated.
  func firstOrderDifferentiable(at x: [Tensor], _ f: ([Variable]) -> Variable) -> Float {
    worst(at: x, differentiable: true) { objective(f, $0) }
  }
  func secondOrder(at x: [Tensor], _ f: ([Variable]) -> Variable) -> Float {
    worst(at: x) { directional(f, $0) }
  }
}
