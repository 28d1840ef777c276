import CVectorMath

/// Philox4x32-10, a counter-based generator: block `counter` of four words is a pure function of counter and key.
///
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
public enum Philox {
  /// The four words of one block. The 128-bit counter is `(counter, stream)`, low half first.
  public static func block(counter: UInt64, stream: UInt64, key: UInt64) -> [UInt32] {
    words(blocks: 1, from: counter, stream: stream, key: key)
  }

  /// The `4 · blocks` words of consecutive counters.
  public static func words(blocks: Int, from counter: UInt64, stream: UInt64, key: UInt64) -> [UInt32] {
    unsafe [UInt32](unsafeUninitializedCapacity: 4 * blocks) { buffer, count in
      unsafe vm_philox(blocks, counter, stream, key, buffer.baseAddress)
      count = 4 * blocks
    }
  }
}

/// Random numbers as a value: the same seed, stream and calls give the same bits, on every processor.
///
/// Streams of one seed are independent: give every purpose (shuffle, noise, sampling) its own. Bulk draws begin at a
/// fresh block, so mixing them with single draws is well defined but skips up to three words.
public struct RandomStream: Sendable, RandomNumberGenerator {
  private let key: UInt64
  private let stream: UInt64
  private var counter: UInt64 = 0
  private var block = SIMD4<UInt32>()
  private var used = 4
  private var spare: Float?

  public init(seed: UInt64, stream: UInt64 = 0) {
    key = seed
    self.stream = stream
  }

  private mutating func word() -> UInt32 {
    if used == 4 {
      unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { buffer in
        unsafe vm_philox(1, counter, stream, key, buffer.baseAddress)
        block = unsafe SIMD4(buffer[0], buffer[1], buffer[2], buffer[3])
      }
      counter += 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  public mutating func next() -> UInt64 { UInt64(word()) | UInt64(word()) << 32 }

  /// Uniform on the open interval (0, 1).
  public mutating func uniform() -> Float { (Float(word() >> 9) + 0.5) * 0x1p-23 }

  /// A standard normal number (Box and Muller 1958).
  public mutating func normal() -> Float {
    if let second = spare {
      spare = nil
      return second
    }
    let words = [word(), word()]
    var pair: [Float] = [0, 0]
    unsafe vm_normal(2, words, &pair)
    spare = pair[1]
    return pair[0]
  }

  /// True with this probability.
  public mutating func bernoulli(_ probability: Float) -> Bool { uniform() < probability }

  /// Uniform on `0 ..< bound`, without bias (Lemire 2019).
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0 && bound <= UInt32.max, "a number below \(bound)")
    let range = UInt64(bound)
    var product = UInt64(word()) * range
    if product & 0xffff_ffff < range {
      let threshold = (1 << 32) % range
      while product & 0xffff_ffff < threshold { product = UInt64(word()) * range }
    }
    return Int(product >> 32)
  }

  /// `0 ..< count` in random order (Fisher and Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    shuffle(&order)
    return order
  }

  /// Puts the elements in random order, in place.
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for i in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(i, below(i + 1)) }
  }

  /// `count` uniform numbers on (0, 1).
  public mutating func uniforms(_ count: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    fillUniform(&values)
    return values
  }

  /// `count` standard normal numbers.
  public mutating func normals(_ count: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    fillNormal(&values)
    return values
  }

  /// Fills with uniform numbers on (0, 1), vectorised (about 1 ns each); no heap allocation.
  public mutating func fillUniform(_ values: inout [Float]) {
    unsafe values.withUnsafeMutableBufferPointer { unsafe fill($0, .uniform) }
  }

  /// Fills with standard normal numbers, vectorised (about 2 ns each); no heap allocation.
  public mutating func fillNormal(_ values: inout [Float]) {
    unsafe values.withUnsafeMutableBufferPointer { unsafe fill($0, .normal) }
  }

  /// Fills a contiguous view with numbers of a distribution; no heap allocation.
  public mutating func fill(_ view: View, _ distribution: Distribution) {
    precondition(view.isContiguous, "random numbers for a view that is not contiguous")
    unsafe fill(UnsafeMutableBufferPointer(start: view.start, count: view.count), distribution)
  }

  /// One of `n` classes for every row of `n` logits, with the probabilities `softmax(logits)`.
  public mutating func classes(_ logits: [Float], of n: Int) -> [Int] {
    precondition(n > 0 && logits.count % n == 0, "\(logits.count) logits for \(n) classes")
    let rows = logits.count / n
    let chosen = unsafe [Int32](unsafeUninitializedCapacity: rows) { buffer, count in
      unsafe vm_categorical(rows, n, logits, uniforms(rows), buffer.baseAddress)
      count = rows
    }
    return chosen.map(Int.init)
  }

  package mutating func fill(_ target: UnsafeMutableBufferPointer<Float>, _ distribution: Distribution) {
    used = 4
    spare = nil
    unsafe vm_random(
      distribution.kind, target.count, counter, stream, key, distribution.parameter, target.baseAddress)
    counter += UInt64((target.count + 3) / 4)
  }
}

/// What random numbers follow.
public enum Distribution: Sendable, Hashable {
  /// On the open interval (0, 1), 23 bits and a half.
  case uniform
  /// Standard normal (Box and Muller 1958: vectorised four times as fast here as a ziggurat, which branches).
  case normal
  /// `1 / kept` with the chance `kept`, otherwise 0: a mask to multiply with.
  case dropout(kept: Float)
  /// `-log(-log u)`: the largest of logits with these added is a draw of their softmax (Gumbel 1954).
  case gumbel

  fileprivate var kind: Int32 {
    switch self {
    case .uniform: Int32(VM_RANDOM_UNIFORM)
    case .normal: Int32(VM_RANDOM_NORMAL)
    case .dropout: Int32(VM_RANDOM_DROPOUT)
    case .gumbel: Int32(VM_RANDOM_GUMBEL)
    }
  }

  fileprivate var parameter: Float {
    if case .dropout(let kept) = self { kept } else { 0 }
  }
}
