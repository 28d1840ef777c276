import Glibc
import Tensors

/// A Boltzmann machine of bits in two layers without connections inside either: `E(v, h) = -bᵀv - cᵀh - vᵀWh`.
///
/// A restricted Boltzmann machine is one; a deep one is another, with its even layers on one side and its odd ones on the
/// other (Salakhutdinov & Hinton 2009).
struct BipartiteMachine: Sendable, Equatable {
  /// b, c and W, `visible × hidden`.
  let visibleBias: [Float]
  let hiddenBias: [Float]
  let weights: [Float]
  var visible: Int { visibleBias.count }
  var hidden: Int { hiddenBias.count }

  init(visibleBias: [Float], hiddenBias: [Float], weights: [Float]) {
    precondition(
      weights.count == visibleBias.count * hiddenBias.count,
      "\(weights.count) weights between \(visibleBias.count) and \(hiddenBias.count) units")
    self.visibleBias = visibleBias
    self.hiddenBias = hiddenBias
    self.weights = weights
  }

  /// The same with its sides exchanged.
  var exchanged: BipartiteMachine {
    BipartiteMachine(
      visibleBias: hiddenBias, hiddenBias: visibleBias,
      weights: VectorMath.transpose(weights, rows: visible, columns: hidden))
  }
}

// MARK: sums over all states

extension BipartiteMachine {
  /// Units of the smaller side up to which the sum over its states is written out.
  static let mostEnumerated = 20
  /// Terms of that sum, states times units of the other side, up to which it is.
  static let mostTerms = 1 << 30

  /// Whether ``exactLogPartition()`` is within reach.
  var isEnumerable: Bool {
    let (few, many) = (min(visible, hidden), max(visible, hidden))
    return few <= Self.mostEnumerated && (1 << few) * max(many, 1) <= Self.mostTerms
  }

  /// `log Z`, nats, the states of the smaller side written out and the other one summed in closed form.
  func exactLogPartition() -> Double {
    let machine = visible <= hidden ? self : exchanged
    var sum = LogSum()
    machine.enumerate { sum.add($0) }
    return sum.value
  }

  /// `log Σ_h e^-E(v, h) = -F(v)` of all states of the visible units; bit `i` of a state's number is unit `i`.
  func logWeights() -> [Float] {
    var all: [Float] = []
    all.reserveCapacity(1 << visible)
    enumerate { all += $0 }
    return all
  }

  /// The states in blocks: the low units take all their states at once, against the sum of what the high ones send.
  private func enumerate(_ body: ([Float]) -> Void) {
    precondition(visible <= 26, "2^\(visible) states")
    let low = min(visible, 10)
    let block = 1 << low
    var arena = Arena()
    let states = arena.reserve(block * low)
    arena[states] = (0..<block).flatMap { state in (0..<low).map { Float(state >> $0 & 1) } }
    let lowWeights = arena.reserve(low * hidden)
    arena[lowWeights] = Array(weights[..<(low * hidden)])
    let input = arena.reserve(block * hidden)
    let sums = arena.reserve(block)
    let bias = arena.reserve(hidden)
    var linear = [Float](repeating: 0, count: block)
    Product.multiply(m: block, n: 1, k: low, arena[states], visibleBias, into: &linear)
    for high in 0..<1 << (visible - low) {
      var shift = hiddenBias
      var constant: Float = 0
      for unit in low..<visible where high >> (unit - low) & 1 == 1 {
        constant += visibleBias[unit]
        for j in 0..<hidden { shift[j] += weights[unit * hidden + j] }
      }
      arena[bias] = shift
      arena.multiply(m: block, n: hidden, k: low, states, lowWeights, bias: bias, into: input)
      arena.softplusSumRows(rows: block, columns: hidden, input, sum: sums)
      let soft = arena[sums]
      body((0..<block).map { linear[$0] + constant + soft[$0] })
    }
  }

  /// Independent draws of visible units by the probabilities of all states, `count × visible`.
  func exactSample(count: Int, random: inout RandomStream) -> [Float] {
    guard visible <= hidden else {
      // The hidden units by theirs, and then the visible ones given these.
      let units = exchanged.exactSample(count: count, random: &random)
      var gibbs = BlockGibbs(visible: visible, hidden: hidden, chains: count)
      gibbs.load(self)
      gibbs.hiddenUnits = units
      gibbs.sampleVisible(&random)
      return gibbs.visibleUnits
    }
    let states = drawStates(logWeights(), count: count, random: &random)
    return states.flatMap { state in (0..<visible).map { Float(state >> $0 & 1) } }
  }
}

/// Numbers of states drawn in proportion to the exponentials of these numbers.
func drawStates(_ logWeights: [Float], count: Int, random: inout RandomStream) -> [Int] {
  let top = VectorMath.maximum(logWeights)
  var total = 0.0
  let cumulative = VectorMath.exp(logWeights.map { $0 - top }).map { weight -> Double in
    total += Double(weight)
    return total
  }
  return (0..<count).map { _ in
    let target = Double(random.uniform()) * total
    var (low, high) = (0, cumulative.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] < target { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// `log Σ e^x` of numbers that come bit by bit, in double precision.
struct LogSum {
  private var top = -Double.infinity
  private var scaled = 0.0

  var value: Double { top + log(scaled) }

  mutating func add(_ x: Double) {
    if x > top {
      scaled = scaled * exp(top - x) + 1
      top = x
    } else if x > -.infinity {
      scaled += exp(x - top)
    }
  }
  mutating func add(_ block: [Float]) { add(Double(VectorMath.logSumExp(block))) }
}
