import Tensors

// Along the last axis, on contiguous operands.

/// `e^x / Σ e^x`
struct SoftmaxRows: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Softmax.softmax(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    let product = at.gradient * at.output
    return [product - at.output * product.sum(-1, keepingAxes: true)]
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    [at.output.record(SoftmaxBackward(), at.gradient.contiguous())]
  }
}

struct SoftmaxBackward: Terminal {
  func forward(_ x: Operands, into y: View) { Softmax.softmaxBackward(output: x[0], x[1], into: y) }
}

/// `x - log Σ e^x`
struct LogSoftmaxRows: Operation {
  var worksInPlace: Bool { true }
  func forward(_ x: Operands, into y: View) { Softmax.logSoftmax(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    [at.gradient - exp(at.output) * at.gradient.sum(-1, keepingAxes: true)]
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    [at.output.record(LogSoftmaxBackward(), at.gradient.contiguous())]
  }
}

struct LogSoftmaxBackward: Terminal {
  func forward(_ x: Operands, into y: View) { Softmax.logSoftmaxBackward(output: x[0], x[1], into: y) }
}

/// `log Σ e^x - x[class]` per row; the classes are whole numbers.
struct CrossEntropy: Operation {
  func shape(_ x: [Shape]) -> Shape {
    precondition(
      x[0].rank == 2 && x[1] == [x[0][0]], "a cross entropy of logits \(x[0]) and classes \(x[1])")
    return x[1]
  }
  /// The softmax.
  func savedShape(_ x: [Shape]) -> Shape? { x[0] }
  func forward(_ x: Operands, into y: View) {
    Losses.crossEntropy(x[0], classes: x[1], softmax: x.saved, into: y)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    let target = at[1].record(OneHot(classes: at[0].shape[1]))
    return [(softmax(at[0]) - target) * at.gradient.inserting(1), nil]
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let saved = at.saved else { return nil }
    return [saved.record(CrossEntropyBackward(), at[1], at.gradient.contiguous()), nil]
  }
}

struct CrossEntropyBackward: Terminal {
  func forward(_ x: Operands, into y: View) {
    Losses.crossEntropyBackward(softmax: x[0], classes: x[1], x[2], into: y)
  }
}

struct OneHot: Operation {
  var passesGradient: Bool { false }
  let classes: Int
  func shape(_ x: [Shape]) -> Shape { x[0].inserting(classes, at: x[0].rank) }
  func forward(_ x: Operands, into y: View) { Indexing.oneHot(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil] }
}

/// `softplus(x) - x t`, element by element.
struct BinaryCrossEntropy: Operation {
  func forward(_ x: Operands, into y: View) { Losses.binaryCrossEntropy(x[0], targets: x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    [at.by(0) { (sigmoid(at[0]) - at[1]) * at.gradient }, at.by(1) { -(at.gradient * at[0]) }]
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    if at.needs(1) { return nil }
    return [at[0].record(BinaryCrossEntropyBackward(), at[1], at.gradient.contiguousOrOne()), nil]
  }
}

struct BinaryCrossEntropyBackward: Terminal {
  func forward(_ x: Operands, into y: View) {
    Losses.binaryCrossEntropyBackward(x[0], targets: x[1], x[2], into: y)
  }
}

extension Variable {
  /// Itself when contiguous or one number spread, a copy otherwise.
  fileprivate func contiguousOrOne() -> Variable { view.layout.isOneSpread ? self : contiguous() }
}

/// With the axis last and contiguous, and back.
private func alongLast(_ x: Variable, _ axis: Int, _ body: (Variable) -> Variable) -> Variable {
  let axis = x.shape.axis(axis)
  let last = x.shape.rank - 1
  if axis == last { return body(x.contiguous()) }
  return body(x.transposed(axis, last).contiguous()).transposed(axis, last)
}

/// `e^x / Σ e^x` along one axis.
public func softmax(_ x: Variable, axis: Int = -1) -> Variable {
  alongLast(x, axis) { $0.record(SoftmaxRows()) }
}

/// `x - log Σ e^x` along one axis.
public func logSoftmax(_ x: Variable, axis: Int = -1) -> Variable {
  alongLast(x, axis) { $0.record(LogSoftmaxRows()) }
}

/// `log Σ e^x` along one axis, which is gone from the result or left as 1.
public func logSumExp(_ x: Variable, axis: Int = -1, keepingAxes: Bool = false) -> Variable {
  let top = x.max(axis, keepingAxes: true).withoutGradient()
  let sum = log(exp(x - top).sum(axis, keepingAxes: true)) + top
  return keepingAxes ? sum : sum.reshaped(x.shape.removing(axis))
}

/// `-log softmax(logits)[class]` per row: logits `[…, n]`, classes `[…]` of whole numbers below n (no gradient); gives `[…]`.
public func crossEntropy(_ logits: Variable, classes: Variable) -> Variable {
  let n = logits.shape[logits.shape.rank - 1]
  let rows = logits.contiguous().reshaped([classes.shape.size, n])
  return rows.record(CrossEntropy(), classes.contiguous().reshaped([classes.shape.size]))
    .reshaped(classes.shape)
}

/// `-t log σ(x) - (1 - t) log(1 - σ(x))`, element by element, from logits x of the shape of the targets t.
public func binaryCrossEntropy(_ logits: Variable, targets: Variable) -> Variable {
  precondition(logits.shape == targets.shape, "logits of \(logits.shape) for targets of \(targets.shape)")
  return logits.contiguous().record(BinaryCrossEntropy(), targets.contiguous())
}

/// The same as ``crossEntropy(_:classes:)``.
public func softmaxCrossEntropy(_ logits: Variable, _ classes: Variable) -> Variable {
  crossEntropy(logits, classes: classes)
}
