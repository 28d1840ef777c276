import CVectorMath

/// A part of an ``Arena``.
public struct Region: Sendable, Equatable {
  public let offset: Int
  public let count: Int
  public init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }
  /// The first `count` numbers of it.
  public func prefix(_ count: Int) -> Region {
    precondition(count <= self.count, "the first \(count) of \(self.count) numbers")
    return Region(offset: offset, count: count)
  }
}

/// One flat buffer and the fused kernels that work between its regions: training and scoring without allocation.
///
/// Every operation checks that its regions lie inside and are of the right size; matrices are row-major. Operands that
/// are constant and shared (weights, incoming rows) stay in arrays of their own and are named with their offset.
public struct Arena: Sendable {
  var values: [Float] = []
  /// For the transposes of small matrices.
  private var turned: [Float] = []

  public init() {}

  public var count: Int { values.count }

  /// Appends a region of zeros.
  public mutating func reserve(_ count: Int) -> Region {
    let region = Region(offset: values.count, count: count)
    values.append(contentsOf: repeatElement(0, count: count))
    return region
  }

  /// Makes room for at least `count` numbers; what was there stays.
  public mutating func grow(to count: Int) {
    if values.count < count { values.append(contentsOf: repeatElement(0, count: count - values.count)) }
  }

  public subscript(region: Region) -> [Float] {
    get { Array(values[region.offset..<region.offset + region.count]) }
    set {
      precondition(
        newValue.count == region.count, "\(newValue.count) numbers for a region of \(region.count)")
      for i in newValue.indices { values[region.offset + i] = newValue[i] }
    }
  }

  /// The address of a region, after checking that it lies inside and holds at least `count`.
  @inline(__always)
  static func at(_ base: UnsafeMutableBufferPointer<Float>, _ region: Region, _ count: Int)
    -> UnsafeMutablePointer<Float>?
  {
    precondition(
      region.count >= count && region.offset >= 0 && region.offset + region.count <= base.count,
      "a region of \(region.count) at \(region.offset) for \(count) numbers in an arena of \(base.count)")
    return unsafe base.baseAddress.map { unsafe $0 + region.offset }
  }

  @inline(__always)
  mutating func with<R>(_ body: (UnsafeMutableBufferPointer<Float>) -> R) -> R {
    unsafe values.withUnsafeMutableBufferPointer { unsafe body($0) }
  }
}

// MARK: matrix products

extension Arena {
  /// `c = op(a) · op(b) (+ bias | + c)`: `op(a)` is `m × k`, `op(b)` is `k × n`, `c` is `m × n`.
  public mutating func multiply(
    m: Int, n: Int, k: Int, _ a: Region, transposed: Bool = false, _ b: Region, otherTransposed: Bool = false,
    bias: Region? = nil, into c: Region, accumulate: Bool = false
  ) {
    precondition(bias == nil || !(otherTransposed || accumulate), "a bias goes with a plain product")
    if otherTransposed, turned.count < k * n { turned = [Float](repeating: 0, count: k * n) }
    unsafe values.withUnsafeMutableBufferPointer { base in
      unsafe turned.withUnsafeMutableBufferPointer { turned in
        guard let x = unsafe Self.at(base, a, m * k), let y = unsafe Self.at(base, b, k * n),
          let z = unsafe Self.at(base, c, m * n)
        else { return }
        if let bias, let shift = unsafe Self.at(base, bias, n) {
          unsafe vm_product(m, n, k, x, transposed ? 1 : k, transposed ? m : 1, y, n, shift, z, n, 0)
        } else {
          unsafe Product.multiply(
            m: m, n: n, k: k, x, transposed, y, otherTransposed, z, accumulate, turned: turned.baseAddress)
        }
      }
    }
  }

  /// `c = a · w (+ bias)` with weights `k × n` from `weightsAt` on, and a bias of `n` from `biasAt` on, in `weights`.
  public mutating func multiply(
    m: Int, n: Int, k: Int, _ a: Region, weights: [Float], weightsAt: Int, biasAt: Int?, into c: Region
  ) {
    precondition(
      weightsAt >= 0 && weightsAt + k * n <= weights.count && (biasAt ?? 0) >= 0
        && (biasAt ?? 0) + (biasAt == nil ? 0 : n) <= weights.count,
      "weights of \(weights.count) for \(k) × \(n) at \(weightsAt)")
    unsafe with { base in
      unsafe weights.withUnsafeBufferPointer { weights in
        guard let w = weights.baseAddress, let x = unsafe Self.at(base, a, m * k),
          let z = unsafe Self.at(base, c, m * n)
        else { return }
        unsafe vm_product(
          m, n, k, x, k, 1, w + weightsAt, n, biasAt.map { unsafe w + $0 }, z, n, 0)
      }
    }
  }

  /// `c = a · w + bias` with weights `k × n` and a bias of `n` in arrays of their own.
  public mutating func multiply(
    m: Int, n: Int, k: Int, _ a: Region, weights: [Float], bias: [Float], into c: Region
  ) {
    precondition(
      weights.count == k * n && bias.count == n,
      "\(weights.count) weights and \(bias.count) biases for \(k) × \(n)")
    unsafe with { base in
      unsafe vm_product(
        m, n, k, Self.at(base, a, m * k), k, 1, weights, n, bias, Self.at(base, c, m * n), n, 0)
    }
  }
}

// MARK: element by element

extension Arena {
  public mutating func tanh(_ x: Region) {
    unsafe with { base in
      let x = (unsafe Self.at(base, x, x.count), x.count)
      unsafe vm_tanh(x.1, x.0, x.0)
    }
  }

  public mutating func sigmoid(_ x: Region) {
    unsafe with { base in
      let x = (unsafe Self.at(base, x, x.count), x.count)
      unsafe vm_sigmoid(x.1, x.0, x.0)
    }
  }

  public mutating func softplus(_ x: Region) {
    unsafe with { base in
      let x = (unsafe Self.at(base, x, x.count), x.count)
      unsafe vm_softplus(x.1, x.0, x.0)
    }
  }

  public mutating func relu(_ x: Region) {
    precondition(x.offset >= 0 && x.offset + x.count <= values.count, "a region outside the arena")
    for i in x.offset..<x.offset + x.count { values[i] = max(values[i], 0) }
  }

  /// `delta *= 1 - y²`
  public mutating func tanhBackward(_ delta: Region, output y: Region) {
    unsafe with { base in
      unsafe vm_tanh_backward(
        delta.count, Self.at(base, y, delta.count), Self.at(base, delta, delta.count))
    }
  }

  public mutating func exp(_ x: Region) {
    unsafe with { base in
      let x = (unsafe Self.at(base, x, x.count), x.count)
      unsafe vm_exp(x.1, x.0, x.0)
    }
  }

  public mutating func clamp(_ x: Region, from low: Float, to high: Float) {
    precondition(x.offset >= 0 && x.offset + x.count <= values.count, "a region outside the arena")
    for i in x.offset..<x.offset + x.count { values[i] = min(max(values[i], low), high) }
  }

  public mutating func scale(_ x: Region, by factor: Float) { add(x, x, factor: factor - 1) }

  public mutating func meanSquare(_ x: Region) -> Float {
    unsafe with { base in
      unsafe vm_dot(x.count, Self.at(base, x, x.count), Self.at(base, x, x.count)) / Float(max(x.count, 1))
    }
  }

  /// `x += factor · y`
  public mutating func add(_ x: Region, _ y: Region, factor: Float = 1) {
    unsafe with { base in
      unsafe vm_axpy(x.count, factor, Self.at(base, y, x.count), Self.at(base, x, x.count))
    }
  }

  /// `x *= y`
  public mutating func multiply(_ x: Region, by y: Region) {
    unsafe with { base in
      unsafe vm_multiply(x.count, Self.at(base, y, x.count), Self.at(base, x, x.count))
    }
  }

  /// Puts 1 where `probability` exceeds a uniform number, 0 elsewhere; `uniforms` is working space.
  public mutating func bernoulli(_ probability: Region, uniforms: Region, random: inout RandomStream) {
    fillUniform(uniforms.prefix(probability.count), random: &random)
    unsafe with { base in
      unsafe vm_bernoulli(
        probability.count, Self.at(base, uniforms, probability.count),
        Self.at(base, probability, probability.count))
    }
  }

  public mutating func fillUniform(_ x: Region, random: inout RandomStream) {
    unsafe with { base in
      unsafe random.fill(
        UnsafeMutableBufferPointer(start: Self.at(base, x, x.count), count: x.count), .uniform)
    }
  }

  public mutating func fillNormal(_ x: Region, random: inout RandomStream) {
    unsafe with { base in
      unsafe random.fill(
        UnsafeMutableBufferPointer(start: Self.at(base, x, x.count), count: x.count), .normal)
    }
  }

  public mutating func fill(_ x: Region, with value: Float) {
    unsafe with { base in
      let count = x.count
      guard let x = unsafe Self.at(base, x, count) else { return }
      unsafe x.update(repeating: value, count: count)
    }
  }

  public mutating func copy(_ from: Region, into to: Region) {
    unsafe with { base in
      guard let x = unsafe Self.at(base, from, from.count), let y = unsafe Self.at(base, to, from.count)
      else { return }
      unsafe y.update(from: x, count: from.count)
    }
  }

  /// Chosen rows of a matrix that lies elsewhere: `into` becomes `indices.count × columns`.
  public mutating func gather(_ source: [Float], columns: Int, rows indices: ArraySlice<Int>, into x: Region)
  {
    unsafe with { base in
      unsafe source.withUnsafeBufferPointer { source in
        guard let x = unsafe Self.at(base, x, indices.count * columns), let from = source.baseAddress else {
          return
        }
        var to = unsafe x
        for index in indices {
          precondition(index >= 0 && (index + 1) * columns <= source.count, "row \(index) of too few")
          unsafe to.update(from: from + index * columns, count: columns)
          unsafe to += columns
        }
      }
    }
  }

  /// True when no number of the region is NaN or infinite.
  public mutating func allFinite(_ x: Region) -> Bool {
    unsafe with { base in unsafe vm_all_finite(x.count, Self.at(base, x, x.count)) != 0 }
  }

  public mutating func sum(_ x: Region) -> Float {
    unsafe with { base in unsafe vm_sum(x.count, Self.at(base, x, x.count)) }
  }
}

// MARK: the optimizer

extension Arena {
  /// One step of Adam (Kingma & Ba 2015) on `scale · gradient + decay · weights`; `step` counts from 1.
  public mutating func adam(
    _ weights: Region, gradient: Region, first: Region, second: Region, rate: Float, beta1: Float,
    beta2: Float,
    epsilon: Float, step: Int, scale: Float, decay: Float = 0
  ) {
    let n = weights.count
    let correction1 = Float(1 / (1 - Double.power(Double(beta1), step)))
    let correction2 = Float(1 / (1 - Double.power(Double(beta2), step)))
    unsafe with { base in
      unsafe vm_adam(
        n, Self.at(base, weights, n), Self.at(base, gradient, n), Self.at(base, first, n),
        Self.at(base, second, n), rate, beta1, beta2, epsilon, correction1, correction2, scale, decay)
    }
  }
}

extension Double {
  /// `base` to a whole power of at least 0, by squaring.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= factor }
      factor *= factor
      left >>= 1
    }
    return result
  }
}
