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
  private static func at(_ base: UnsafeMutableBufferPointer<Float>, _ region: Region, _ count: Int)
    -> UnsafeMutablePointer<Float>?
  {
    precondition(
      region.count >= count && region.offset >= 0 && region.offset + region.count <= base.count,
      "a region of \(region.count) at \(region.offset) for \(count) numbers in an arena of \(base.count)")
    return unsafe base.baseAddress.map { unsafe $0 + region.offset }
  }

  @inline(__always)
  private mutating func with<R>(_ body: (UnsafeMutableBufferPointer<Float>) -> R) -> R {
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
    unsafe with { base in
      guard let x = unsafe Self.at(base, a, m * k), let y = unsafe Self.at(base, b, k * n),
        let z = unsafe Self.at(base, c, m * n)
      else { return }
      if let bias, let shift = unsafe Self.at(base, bias, n), !otherTransposed {
        unsafe vm_product(m, n, k, x, transposed ? 1 : k, transposed ? m : 1, y, n, shift, z, n, 0)
      } else {
        unsafe Product.multiply(m: m, n: n, k: k, x, transposed, y, otherTransposed, z, accumulate)
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
        UnsafeMutableBufferPointer(start: Self.at(base, x, x.count), count: x.count), vm_uniform)
    }
  }

  public mutating func fillNormal(_ x: Region, random: inout RandomStream) {
    unsafe with { base in
      unsafe random.fill(
        UnsafeMutableBufferPointer(start: Self.at(base, x, x.count), count: x.count), vm_normal)
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

// MARK: by rows

extension Arena {
  /// `z = clamp((x - shift) · scale, ±bound)` for rows that lie elsewhere, from row `first` on; masked entries give 0.
  public mutating func standardise(
    _ x: [Float], mask: [Float]?, first: Int, rows: Int, shift: [Float], scale: [Float], bound: Float,
    into z: Region
  ) {
    let columns = shift.count
    let start = first * columns
    precondition(
      first >= 0 && start + rows * columns <= x.count && scale.count == columns
        && mask.map { start + rows * columns <= $0.count } ?? true,
      "\(x.count) inputs are not \(first) + \(rows) rows of \(columns)")
    unsafe with { base in
      unsafe x.withUnsafeBufferPointer { x in
        guard let from = x.baseAddress, let to = unsafe Self.at(base, z, rows * columns) else { return }
        if let mask {
          unsafe mask.withUnsafeBufferPointer { mask in
            unsafe vm_standardise_rows(
              rows, columns, from + start, mask.baseAddress.map { unsafe $0 + start }, shift, scale, bound, to
            )
          }
        } else {
          unsafe vm_standardise_rows(rows, columns, from + start, nil, shift, scale, bound, to)
        }
      }
    }
  }

  /// Per row, `Σ mask · weight · (x - y)²` into `sum` and `Σ mask` into `count`; nil `y` is zero, the mask lies
  /// elsewhere and is read from row `first` on.
  public mutating func squaredErrorRows(
    rows: Int, columns: Int, _ x: Region, _ y: Region?, weight: [Float], mask: [Float]?, first: Int,
    sum: Region, count: Region
  ) {
    precondition(weight.count == columns, "\(weight.count) weights for \(columns) columns")
    let start = first * columns
    precondition(
      mask.map { start + rows * columns <= $0.count } ?? true, "the mask ends before row \(first + rows)")
    unsafe with { base in
      let a = unsafe Self.at(base, x, rows * columns)
      let b = unsafe y.flatMap { unsafe Self.at(base, $0, rows * columns) }
      let s = unsafe Self.at(base, sum, rows)
      let n = unsafe Self.at(base, count, rows)
      if let mask {
        unsafe mask.withUnsafeBufferPointer { mask in
          unsafe vm_squared_error_rows(
            rows, columns, a, b, weight, mask.baseAddress.map { unsafe $0 + start }, s, n)
        }
      } else {
        unsafe vm_squared_error_rows(rows, columns, a, b, weight, nil, s, n)
      }
    }
  }

  /// `sum[r] = Σ_c softplus(x[r, c])`
  public mutating func softplusSumRows(rows: Int, columns: Int, _ x: Region, sum: Region) {
    unsafe with { base in
      unsafe vm_bias_softplus_sum_rows(
        rows, columns, nil, Self.at(base, x, rows * columns), Self.at(base, sum, rows))
    }
  }

  /// `delta = mask · (y - x)`; returns `Σ mask · (y - x)²`.
  public mutating func maskedError(
    rows: Int, columns: Int, target x: Region, output y: Region, mask: Region?, delta: Region
  ) -> Float {
    unsafe with { base in
      unsafe vm_masked_error(
        rows, columns, Self.at(base, x, rows * columns), Self.at(base, y, rows * columns), nil,
        mask.flatMap { unsafe Self.at(base, $0, rows * columns) }, Self.at(base, delta, rows * columns))
    }
  }

  /// `sum (+)= scale · Σ_r x[r, ·]`
  public mutating func columnSums(
    rows: Int, columns: Int, _ x: Region, scale: Float = 1, into sum: Region, accumulate: Bool = false
  ) {
    if !accumulate { fill(sum, with: 0) }
    unsafe with { base in
      unsafe vm_column_sums(
        rows, columns, scale, Self.at(base, x, rows * columns), Self.at(base, sum, columns))
    }
  }

  /// `x[r, c] = shift[c] + scale[c] · (x[r, c] + noise[r, c])`
  public mutating func affineRows(
    rows: Int, columns: Int, _ x: Region, shift: Region, scale: Region, noise: Region?
  ) {
    unsafe with { base in
      unsafe vm_affine_rows(
        rows, columns, Self.at(base, shift, columns), Self.at(base, scale, columns),
        noise.flatMap { unsafe Self.at(base, $0, rows * columns) }, Self.at(base, x, rows * columns))
    }
  }

  /// `x[r, c] *= scale[c]`
  public mutating func scaleRows(rows: Int, columns: Int, _ x: Region, by scale: Region) {
    unsafe with { base in
      unsafe vm_scale_rows(rows, columns, Self.at(base, scale, columns), Self.at(base, x, rows * columns))
    }
  }

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
