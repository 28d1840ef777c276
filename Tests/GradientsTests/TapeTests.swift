import Gradients
import Tensors
import Testing

struct TapeTests {
  /// Two layers whose weights are `[3, 4]` and `[4, 3]`.
  struct Network {
    let first: Slot
    let bias: Slot
    let second: Slot
    init(in scope: inout ParameterScope) {
      first = scope.parameter("first", [3, 4]) { $0.normals($1) }
      bias = scope.parameter("bias", [4])
      second = scope.within("out") { $0.parameter("second", [4, 3]) { $0.normals($1) } }
    }
    func callAsFunction(_ x: Variable) -> Variable {
      matmul(tanh(matmul(x, x.tape[first]) + x.tape[bias]), x.tape[second])
    }
  }

  static func made() -> (Network, ParameterBuffer) {
    var scope = ParameterScope(seed: 3)
    let network = Network(in: &scope)
    return (network, ParameterBuffer(scope.parameters))
  }

  static func batch(_ seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    return random.normals(15)
  }

  @Test func `a tape run again gives the bits of a new tape`() {
    let (network, buffer) = Self.made()
    let tape = Tape(buffer)
    let x = tape.input([5, 3])
    let loss = (network(x) - x).squared().mean()
    tape.backward(loss)
    for step in 1...3 {
      tape.assign(x, Self.batch(UInt64(step)))
      tape.rerun()
      let other = Tape(ParameterBuffer(buffer.parameters))
      let y = other.input(Tensor(Self.batch(UInt64(step)), shape: [5, 3]))
      let truth = (network(y) - y).squared().mean()
      other.backward(truth)
      #expect(loss.scalar == truth.scalar)
      #expect(buffer.gradient.values == other.parameters.gradient.values)
      // As an optimizer would.
      buffer.weights.assign(zip(buffer.weights.values, buffer.gradient.values).map { $0 - 0.1 * $1 })
    }
  }

  @Test func `backward leaves what gradients gives`() {
    let (network, buffer) = Self.made()
    let tape = Tape(buffer)
    let x = tape.input(Tensor(Self.batch(9), shape: [5, 3]))
    let loss = (network(x) - x).squared().mean()
    let slots = [network.first, network.bias, network.second]
    let truth = tape.gradients(of: loss, by: slots.map { tape[$0] })
    tape.backward(loss)
    for (slot, gradient) in zip(slots, truth) {
      #expect(buffer.gradient(slot).values == gradient.value.values)
    }
    // Once more on top: twice as much, also when run again.
    tape.backward(loss, accumulating: true)
    for _ in 0..<2 {
      for (slot, gradient) in zip(slots, truth) {
        #expect(buffer.gradient(slot).values == gradient.value.values.map { 2 * $0 })
      }
      tape.rerun()
    }
  }

  @Test func `a shared slot gathers both gradients and an unread one has zeros`() {
    var scope = ParameterScope(seed: 1)
    let shared = scope.parameter("shared", [2]) { $0.normals($1) }
    let unread = scope.parameter("unread", [3]) { $0.normals($1) }
    let buffer = ParameterBuffer(scope.parameters)
    buffer.gradient.fill(7)
    let tape = Tape(buffer)
    let x = tape.input(Tensor([1, 2], shape: [2]))
    tape.backward((tape[shared] * x + tape[shared]).sum())
    #expect(buffer.gradient(shared).values == [2, 3])
    #expect(buffer.gradient(unread).values == [0, 0, 0])
  }

  @Test func `random operations draw anew in every run and the same at the same step`() {
    let tape = Tape(seed: 5)
    let (a, b) = (tape.normal([4]), tape.normal([4]))
    #expect(a.value != b.value)
    let before = a.value
    tape.rerun()
    #expect(a.value != before)
    tape.rerun(step: 0)
    #expect(a.value == before)
    let ones = dropout(tape.input(Tensor(repeating: 1, shape: [1000])), rate: 0.25)
    let kept = ones.value.values.filter { $0 > 0 }
    #expect(kept.allSatisfy { $0 == 1 / 0.75 } && abs(Float(kept.count) - 750) < 60)
  }

  @Test func `the walk back does not go where no gradient flows`() {
    func recorded(_ factor: (Variable) -> Variable) -> Int {
      let tape = Tape(seed: 5)
      let x = tape.input(Tensor(repeating: 0.5, shape: [3]))
      let loss = (x * factor(x)).sum()
      let before = tape.count
      _ = tape.gradients(of: loss, by: [x])
      return tape.count - before
    }
    let plain = recorded { $0.tape.input([3]) }
    #expect(recorded { tanh($0) } > plain)
    #expect(recorded { tanh($0).withoutGradient() } == plain)
    #expect(recorded { bernoulli(tanh($0)) } == plain)
  }

  @Test func `running statistics follow in every run`() {
    var scope = ParameterScope(seed: 1)
    let mean = scope.statistic("mean", [2])
    let tape = Tape(scope.parameters)
    let x = tape.input(Tensor([4, 8], shape: [2]))
    tape.update(mean, tape[mean] * 0.5 + x * 0.5)
    #expect(tape.parameters.parameters[mean].values == [2, 4])
    tape.rerun()
    #expect(tape.parameters.parameters[mean].values == [3, 6])
  }

  @Test func `running again allocates nothing and a reset tape uses its memory again`() {
    let pool = StoragePool()
    let (network, buffer) = Self.made()
    let tape = Tape(buffer, pool: pool)
    func record() {
      let x = tape.input(Tensor(Self.batch(1), shape: [5, 3]))
      tape.backward((network(x) - x).squared().mean())
    }
    record()
    let allocations = pool.allocations
    for _ in 0..<10 { tape.rerun() }
    #expect(pool.allocations == allocations)
    for _ in 0..<3 {
      tape.reset()
      record()
    }
    #expect(pool.allocations == allocations)
  }

  @Test func `parameters are found by name and range`() {
    var scope = ParameterScope(seed: 1)
    let network = Network(in: &scope)
    let parameters = scope.parameters
    #expect(parameters.slot("out.second") == network.second)
    #expect(parameters["bias"] == Tensor([0, 0, 0, 0], shape: [4]))
    #expect(parameters.range(under: "out.") == 16..<28)
    #expect(parameters.entries.map(\.name) == ["first", "bias", "out.second"])
  }
}

extension TapeTests {
  /// A stack of layers with an image in front: everything that is split between threads.
  static func deep(_ workers: Workers, checkpointed: Bool = false, pool: StoragePool = StoragePool())
    -> (Tape, Variable, ParameterBuffer)
  {
    var scope = ParameterScope(seed: 2)
    let kernel = scope.parameter("kernel", [4, 2, 3, 3]) { $0.normals($1).map { 0.2 * $0 } }
    let weights = (0..<6).map { i in
      scope.parameter("w\(i)", [144, 144]) { $0.normals($1).map { 0.08 * $0 } }
    }
    let buffer = ParameterBuffer(scope.parameters)
    let tape = Tape(buffer, seed: 1, workers: workers, pool: pool)
    var random = RandomStream(seed: 4)
    let x = tape.input(Tensor(random.normals(40 * 2 * 36), shape: [40, 2, 6, 6]))
    var h = tanh(convolve2d(x, tape[kernel], padding: 1)).reshaped([40, 144])
    for weight in weights {
      let layer = { (x: [Variable]) in dropout(tanh(matmul(x[0], tape[weight])), rate: 0.1) + x[0] }
      h = checkpointed ? tape.checkpoint([h], layer) : layer([h])
    }
    let loss = h.squared().mean()
    tape.backward(loss)
    return (tape, loss, buffer)
  }

  @Test func `one thread and two give the same bits`() {
    let (one, loss, gradient) = Self.deep(Workers())
    let (two, other, same) = Self.deep(Workers(count: 2))
    for _ in 0..<3 {
      one.rerun()
      two.rerun()
      #expect(loss.scalar == other.scalar)
      #expect(gradient.gradient.values == same.gradient.values)
    }
  }

  @Test func `checkpoints give the same bits from less memory`() {
    let (pool, small) = (StoragePool(), StoragePool())
    let (plain, loss, gradient) = Self.deep(Workers(), pool: pool)
    let (sparing, other, same) = Self.deep(Workers(), checkpointed: true, pool: small)
    for _ in 0..<3 {
      plain.rerun()
      sparing.rerun()
      #expect(loss.scalar == other.scalar)
      #expect(gradient.gradient.values == same.gradient.values)
    }
    #expect(small.numbers < pool.numbers)
  }

  @Test func `a gradient through checkpoints can be differentiated`() {
    func second(checkpointed: Bool) -> [Float] {
      let tape = Tape()
      var random = RandomStream(seed: 8)
      let x = tape.input(Tensor(random.normals(6), shape: [3, 2]))
      let w = tape.input(Tensor(random.normals(4), shape: [2, 2]))
      let layer = { (x: [Variable]) in tanh(matmul(tanh(matmul(x[0], x[1])), x[1])) * x[0] }
      let y = checkpointed ? tape.checkpoint([x, w], layer) : layer([x, w])
      let z = checkpointed ? tape.checkpoint([y]) { sigmoid($0[0].squared()) } : sigmoid(y.squared())
      let first = tape.gradients(of: (z + y).squared().sum(), by: [x, w], differentiable: true)
      let both = first[0].squared().sum() + first[1].squared().sum()
      return tape.gradients(of: both, by: [x, w]).flatMap(\.value.values)
    }
    let (spared, plain) = (second(checkpointed: true), second(checkpointed: false))
    #expect(zip(spared, plain).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) })
  }
}
