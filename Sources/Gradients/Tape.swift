public import Tensors

/// What was computed, in order, so that it can be differentiated in reverse and run again.
///
/// Recording an operation runs it at once. A recorded tape can be run again in the same memory (``rerun()``): after new
/// values were assigned to its inputs, or after an optimizer changed the parameters, everything recorded – forward and
/// backward – is computed anew without allocation. Derivatives are recorded like anything else, so a gradient is a
/// variable and can be differentiated again. No global state; belongs to one thread.
public final class Tape: CustomStringConvertible {
  enum Kind { case input, parameter, computed, view, saved }

  struct Node {
    let operation: (any Operation)?
    let kind: Kind
    /// Its inputs in `edges`.
    let firstEdge: Int32
    let edgeCount: Int32
    /// The node whose memory a view looks at; itself otherwise.
    let owner: Int32
    /// Where it saves numbers, or -1.
    let saved: Int32
    /// Whether a gradient can come from here at all.
    var inputs: Range<Int> { Int(firstEdge)..<Int(firstEdge + edgeCount) }
  }

  public let parameters: ParameterBuffer
  public let workers: Workers
  let pool: StoragePool
  var nodes: [Node] = []
  var views: [View] = []
  var edges: [Int32] = []
  /// The memory of computed nodes and inputs; nil for views, parameters and what lies elsewhere.
  var storages: [Storage?] = []
  /// Memory of nodes that nobody reads any more, for nodes recorded later: they run later too.
  let spare = StoragePool()
  /// All memory of this tape, to be given back at the end.
  var owned: [Storage] = []
  var parameterNodes: [Slot: Int] = [:]
  /// Trained slots whose gradient is written by this tape.
  var written: Set<Slot> = []
  var labels: [Int: String] = [:]
  /// What random operations draw from: each has a stream of its own.
  let seed: UInt64
  var randomStreams: UInt64 = 0
  /// What random operations draw by, beside the seed: the same step draws the same numbers again.
  public var step: UInt64 = 0

  /// - Parameters:
  ///   - parameters: what ``subscript(_:)-(Slot)`` reads and ``backward(_:accumulating:)`` writes the gradient of.
  ///   - seed: of the random operations (dropout, noise).
  ///   - pool: where memory comes from; share one between tapes of one thread that live after one another.
  public init(
    _ parameters: ParameterBuffer, seed: UInt64 = 0, workers: Workers = Workers(),
    pool: StoragePool = StoragePool()
  ) {
    self.parameters = parameters
    self.seed = seed
    self.workers = workers
    self.pool = pool
  }

  public convenience init(_ parameters: Parameters = Parameters(), seed: UInt64 = 0) {
    self.init(ParameterBuffer(parameters), seed: seed)
  }

  deinit { for storage in owned { pool.give(storage) } }

  public var count: Int { nodes.count }

  func view(_ index: Int) -> View { views[index] }

  /// A stream of random numbers that no other operation of this tape draws from.
  func nextStream() -> UInt64 {
    randomStreams += 1
    return randomStreams
  }

  // MARK: recording

  /// Puts a value on the tape: data, a constant. Give it other numbers with ``assign(_:_:)-(_,Tensor)``.
  public func input(_ value: Tensor, _ label: String? = nil) -> Variable {
    let variable = input(value.shape, label)
    variable.view.assign(value.values)
    return variable
  }

  /// Zeros, to be assigned before each run.
  public func input(_ shape: Shape, _ label: String? = nil) -> Variable {
    let index = append(nil, .input, shape: shape)
    views[index].fill(0)
    labels[index] = label
    return Variable(tape: self, index: index)
  }

  public func assign(_ input: Variable, _ value: Tensor) {
    precondition(value.shape == input.shape, "\(value.shape) for an input of \(input.shape)")
    assign(input, value.values)
  }

  /// New numbers in row-major order.
  public func assign(_ input: Variable, _ values: [Float]) {
    precondition(nodes[input.index].kind == .input, "v\(input.index) is not an input")
    views[input.index].assign(values)
  }

  /// Chosen rows of a row-major matrix that lies elsewhere, as a batch.
  public func assign(_ input: Variable, rows: ArraySlice<Int>, of matrix: [Float]) {
    precondition(nodes[input.index].kind == .input, "v\(input.index) is not an input")
    views[input.index].assign(rows: rows, of: matrix)
  }

  /// A parameter as it is now; the same slot is the same variable.
  public subscript(slot: Slot) -> Variable {
    if let index = parameterNodes[slot] { return Variable(tape: self, index: index) }
    let index = append(nil, .parameter, view: parameters.view(slot))
    parameterNodes[slot] = index
    return Variable(tape: self, index: index)
  }

  /// Applies an operation and records it.
  public func record(_ operation: some Operation, _ inputs: [Variable]) -> Variable {
    let edge = edges.count
    for input in inputs {
      precondition(input.tape === self, "variables of two tapes in one operation")
      edges.append(Int32(input.index))
    }
    if let operation = operation as? any ViewOperation {
      let from = inputs[0].index
      let view = views[from].with(operation.layout(views[from].layout))
      let index = append(
        operation, .view, view: view, edges: edge, count: inputs.count, owner: Int(nodes[from].owner))
      return Variable(tape: self, index: index)
    }
    let shapes = inputs.map(\.shape)
    var saved = -1
    if let shape = operation.savedShape(shapes) { saved = append(nil, .saved, shape: shape) }
    let index = append(
      operation, .computed, shape: operation.shape(shapes), edges: edge, count: inputs.count, saved: saved)
    run(index..<index + 1)
    return Variable(tape: self, index: index)
  }

  private func append(
    _ operation: (any Operation)?, _ kind: Kind, shape: Shape, edges: Int = 0, count: Int = 0, saved: Int = -1
  ) -> Int {
    // An input keeps its numbers between runs, so it shares with nobody.
    let storage = (kind == .input ? nil : spare.takeFree(shape.size)) ?? take(shape.size)
    let index = append(
      operation, kind, view: storage.view(shape), edges: edges, count: count, saved: saved)
    storages[index] = storage
    return index
  }

  private func append(
    _ operation: (any Operation)?, _ kind: Kind, view: View, edges: Int = 0, count: Int = 0,
    owner: Int? = nil,
    saved: Int = -1
  ) -> Int {
    let index = nodes.count
    nodes.append(
      Node(
        operation: operation, kind: kind, firstEdge: Int32(edges), edgeCount: Int32(count),
        owner: Int32(owner ?? index), saved: Int32(saved)))
    views.append(view)
    storages.append(nil)
    return index
  }

  private func take(_ count: Int) -> Storage {
    let storage = pool.take(count)
    owned.append(storage)
    return storage
  }

  // MARK: running

  /// Computes everything recorded anew, in order, in the same memory, with random operations drawing anew.
  public func rerun() { rerun(step: step + 1) }

  /// The same with a given step for the random operations, so that a resumed training draws what an uninterrupted one does.
  public func rerun(step: UInt64) {
    self.step = step
    run(0..<nodes.count)
  }

  func run(_ range: Range<Int>) {
    Tape.run(range, of: nodes, views, edges, step: step, workers: workers)
  }

  /// Computes some nodes in order, in the memory that `views` name.
  static func run(
    _ indices: some Sequence<Int>, of nodes: [Node], _ views: [View], _ edges: [Int32], step: UInt64,
    workers: Workers
  ) {
    unsafe views.withUnsafeBufferPointer { views in
      unsafe edges.withUnsafeBufferPointer { edges in
        unsafe nodes.withUnsafeBufferPointer { nodes in
          guard let views = views.baseAddress else { return }
          for index in indices where unsafe nodes[index].kind == .computed {
            let node = unsafe nodes[index]
            guard let operation = node.operation else { continue }
            let operands = unsafe Operands(
              views: views, edges: edges.baseAddress.map { unsafe $0 + Int(node.firstEdge) },
              count: Int(node.edgeCount),
              savedAt: Int(node.saved), step: step, workers: workers)
            unsafe operation.forward(operands, into: views[index])
          }
        }
      }
    }
  }

  /// Forgets everything recorded and keeps the memory for the next recording.
  public func reset() {
    for storage in owned { pool.give(storage) }
    owned.removeAll(keepingCapacity: true)
    spare.forget()
    nodes.removeAll(keepingCapacity: true)
    views.removeAll(keepingCapacity: true)
    edges.removeAll(keepingCapacity: true)
    storages.removeAll(keepingCapacity: true)
    parameterNodes.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    written.removeAll(keepingCapacity: true)
    randomStreams = 0
    step += 1
  }

  /// One line per node: `v7 [256, 32] = Tanh(v6)`.
  public var description: String {
    let names = Dictionary(parameters.entries.map { ($0.slot, $0.name) }) { first, _ in first }
    let slots = Dictionary(parameterNodes.map { ($0.value, $0.key) }) { first, _ in first }
    return nodes.enumerated().map { index, node in
      let from = edges[node.inputs].map { "v\($0)" }.joined(separator: ", ")
      let text =
        switch node.kind {
        case .input: labels[index] ?? "input"
        case .parameter: slots[index].flatMap { names[$0] } ?? "parameter"
        case .saved: "saved"
        case .computed, .view: "\(node.operation?.name ?? "?")(\(from))"
        }
      return "v\(index) \(views[index].shape) = \(text)"
    }.joined(separator: "\n")
  }
}
