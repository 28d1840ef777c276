import Tensors

extension Tape {
  /// The gradients of a one-number variable by others, as new variables of this tape (zeros where it does not depend).
  ///
  /// - Parameter differentiable: whether the gradients will be differentiated themselves; otherwise the faster kernels are
  ///   recorded, which cannot be.
  public func gradients(of loss: Variable, by targets: [Variable], differentiable: Bool = false) -> [Variable]
  {
    precondition(loss.view.count == 1, "the gradient of \(loss.shape), not of one number")
    var walk = Walkback(tape: self, targets: targets.map(\.index), differentiable: differentiable)
    walk.run(from: [(loss, ones(loss.shape))])
    return targets.map { target in
      walk.gradient(of: target.index).map { Variable(tape: self, index: $0) } ?? input(target.shape, "zero")
    }
  }

  /// Records the gradient of a one-number variable by every trained parameter that was read, into
  /// ``ParameterBuffer/gradient``; a ``rerun()`` computes it there anew.
  ///
  /// - Parameter accumulating: adds to what is there (to gather the gradient of several tapes or runs); otherwise all of it is
  ///   replaced, with zeros where the loss does not depend.
  public func backward(_ loss: Variable, accumulating: Bool = false) {
    let slots = parameterNodes.filter { $0.key.isTrained }.sorted { $0.value < $1.value }
    precondition(loss.view.count == 1, "the gradient of \(loss.shape), not of one number")
    let zeros = ZeroGradient.Ranges(whole: 0..<parameters.count)
    let isFirst = !accumulating && written.isEmpty
    if isFirst { _ = record(ZeroGradient(gradient: parameters, ranges: zeros), []) }
    var walk = Walkback(tape: self, targets: slots.map(\.value), differentiable: false)
    walk.run(from: [(loss, ones(loss.shape))])
    var moved: Set<Int> = []
    for (slot, node) in slots {
      guard let index = walk.gradient(of: node) else { continue }
      let place = parameters.gradient(slot)
      let fresh = nodes[index].kind == .computed && storages[index] != nil && index > loss.index
      let alone = fresh && !moved.contains(index) && !isLookedAt(index)
      if alone && !accumulating && !written.contains(slot) {
        // Computed where it is wanted from now on.
        place.copy(views[index])
        views[index] = place
        if let storage = storages[index] { spare.give(storage) }
        storages[index] = nil
        moved.insert(index)
        if isFirst { zeros.leave(slot.range) }
      } else {
        _ = record(AddToGradient(gradient: parameters, slot: slot), [Variable(tape: self, index: index)])
      }
      written.insert(slot)
    }
  }

  private func isLookedAt(_ index: Int) -> Bool {
    nodes.indices.contains { nodes[$0].kind == .view && Int(nodes[$0].owner) == index }
  }

  private func ones(_ shape: Shape) -> Variable { input(Tensor(repeating: 1, shape: shape), "one") }
}

extension Chain {
  /// The derivative of the same function composed of differentiable operations: records it on the inputs and walks back
  /// through that. How fused operations are differentiated more than once.
  func through(_ composed: ([Variable]) -> Variable) -> [Variable?] {
    throughResults { [(composed($0), gradient)] }
  }

  /// The same with several results, each with the loss by it.
  func throughResults(_ composed: ([Variable]) -> [(result: Variable, gradient: Variable)]) -> [Variable?] {
    let tape = gradient.tape
    let first = tape.count
    let results = composed(inputs)
    var walk = Walkback(tape: tape, targets: inputs.map(\.index), differentiable: true)
    walk.run(downTo: first, from: results)
    return inputs.indices.map { i in
      needed[i] ? walk.gradient(of: inputs[i].index).map { Variable(tape: tape, index: $0) } : nil
    }
  }
}

extension Tape {
  /// Whether a gradient can flow from a node to one of those marked.
  fileprivate func leads(_ node: Node, to marked: [Bool]) -> Bool {
    guard let operation = node.operation, operation.passesGradient else { return false }
    return edges[node.inputs].contains { marked[Int($0)] }
  }
}

/// One walk back through a tape: gathers per node what flows into its gradient.
struct Walkback {
  let tape: Tape
  let differentiable: Bool
  /// Whether a node depends on a target, for the nodes there were at the beginning.
  fileprivate var depends: [Bool]
  fileprivate var contributions: [Int: [Assemble.Part]] = [:]
  fileprivate var finished: [Int: Int] = [:]

  init(tape: Tape, targets: [Int], differentiable: Bool) {
    self.tape = tape
    self.differentiable = differentiable
    depends = [Bool](repeating: false, count: tape.nodes.count)
    for target in targets { depends[target] = true }
    for index in tape.nodes.indices
    where tape.leads(tape.nodes[index], to: depends) {
      depends[index] = true
      let saved = Int(tape.nodes[index].saved)
      if saved >= 0 { depends[saved] = true }
    }
  }

  /// The sum of all that flowed into a node's gradient; nil when nothing did.
  mutating func gradient(of index: Int) -> Int? {
    if let done = finished[index] { return done }
    guard let parts = contributions.removeValue(forKey: index) else { return nil }
    let sum = Assemble.sum(parts, shape: tape.view(index).shape, on: tape)
    finished[index] = sum.index
    return sum.index
  }

  /// From results, given the loss by each, down to the node `first`.
  mutating func run(downTo first: Int = 0, from results: [(result: Variable, gradient: Variable)]) {
    for (result, gradient) in results {
      precondition(result.shape == gradient.shape, "\(gradient.shape) as the gradient of \(result.shape)")
      contributions[result.index, default: []].append(.whole(gradient))
    }
    let last = results.map(\.result.index).max() ?? -1
    for index in stride(from: last, through: first, by: -1) where depends[index] {
      let node = tape.nodes[index]
      guard let operation = node.operation else { continue }
      if let boundary = operation as? Checkpoint {
        if let gradient = self.gradient(of: index) {
          recompute(boundary.plan, Variable(tape: tape, index: gradient))
        }
        continue
      }
      let beside = node.saved < 0 ? nil : self.gradient(of: Int(node.saved))
      // Where only what was saved was read, the result itself has a gradient of zeros.
      guard
        let gradient = self.gradient(of: index)
          ?? beside.map({ _ in tape.input(tape.view(index).shape, "zero").index })
      else { continue }
      let inputs = tape.edges[node.inputs].map { Variable(tape: tape, index: Int($0)) }
      let at = Chain(
        gradient: Variable(tape: tape, index: gradient), inputs: inputs,
        output: Variable(tape: tape, index: index),
        saved: node.saved < 0 ? nil : Variable(tape: tape, index: Int(node.saved)),
        savedGradient: beside.map { Variable(tape: tape, index: $0) },
        needed: inputs.map { depends[$0.index] })
      if let slice = operation as? Slice {
        // Gathered without zeros around it.
        contributions[inputs[0].index, default: []].append(.placed(at.gradient, slice))
        continue
      }
      if !differentiable, let multiplying = operation as? any MultiplyingOperation {
        for (input, part) in zip(inputs, multiplying.parts(at)) where depends[input.index] {
          if let part { contributions[input.index, default: []].append(part) }
        }
        continue
      }
      let parts =
        (differentiable ? nil : operation.fastDerivative(at)) ?? operation.derivative(at)
      for (input, part) in zip(inputs, parts) where depends[input.index] {
        guard let part else { continue }
        precondition(
          part.shape == input.shape,
          "\(operation.name) gives a gradient of shape \(part.shape) for an input of \(input.shape)")
        contributions[input.index, default: []].append(.whole(part))
      }
    }
  }
}

extension Walkback {
  /// Records what lies within a checkpoint once more, walks back through it, and lets go of its memory.
  private mutating func recompute(_ plan: Checkpoint.Plan, _ gradient: Variable) {
    let first = tape.count
    let result = tape.withStreams(from: plan.streams) {
      plan.body(plan.inputs.map { Variable(tape: tape, index: $0) })
    }
    // What the walk has recorded so far has no way to a target.
    depends += [Bool](repeating: false, count: first - depends.count)
    for index in first..<tape.count {
      let node = tape.nodes[index]
      depends.append(tape.leads(node, to: depends))
      if node.saved >= 0 && depends[index] { depends[Int(node.saved)] = true }
    }
    run(downTo: first, from: [(result, gradient)])
    // A gradient that will be differentiated needs all of it again.
    if differentiable { return }
    let read =
      contributions.values.joined().flatMap { $0.variables.map(\.index) }
      + finished.filter { $0.key < first }.values
    tape.release(first..<tape.count, except: Set(read.map { Int(tape.nodes[$0].owner) }))
  }
}

/// Fills what nobody overwrites of the flat gradient with zeros.
struct ZeroGradient: Terminal, @unchecked Sendable {
  final class Ranges {
    private(set) var ranges: [Range<Int>]
    init(whole: Range<Int>) { ranges = [whole] }
    /// Leaves out a part that will be overwritten in every run.
    func leave(_ part: Range<Int>) {
      ranges = ranges.flatMap { range in
        [
          range.lowerBound..<max(range.lowerBound, min(range.upperBound, part.lowerBound)),
          min(range.upperBound, max(range.lowerBound, part.upperBound))..<range.upperBound,
        ]
      }.filter { !$0.isEmpty }
    }
  }
  let gradient: ParameterBuffer
  let ranges: Ranges
  func shape(_ x: [Shape]) -> Shape { [0] }
  func forward(_ x: Operands, into y: View) {
    let all = gradient.gradient
    for range in ranges.ranges { all.sliced(0, from: range.lowerBound, count: range.count).fill(0) }
  }
}

/// Adds to one parameter's place in the flat gradient.
struct AddToGradient: Terminal, @unchecked Sendable {
  let gradient: ParameterBuffer
  let place: View
  init(gradient: ParameterBuffer, slot: Slot) {
    self.gradient = gradient
    place = gradient.gradient(slot)
  }
  func shape(_ x: [Shape]) -> Shape { [0] }
  func forward(_ x: Operands, into y: View) { Elementwise.accumulate(x[0], into: place) }
}
