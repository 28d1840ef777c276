public import Gradients
public import Tensors

/// Every position looks at others by several heads (Vaswani et al. 2017): x `[rows, times, width]`, out the same.
public struct MultiHeadAttention: Sendable {
  /// Queries, keys and values of all heads in one product.
  public let projection: Dense
  public let output: Dense
  public let heads: Int
  /// Each position looks at itself and what is before it only.
  public let isCausal: Bool

  /// - Precondition: the width divides into the heads.
  public init(
    _ name: String, width: Int, heads: Int, isCausal: Bool = false, initializer: Initializer? = nil,
    in scope: inout ParameterScope
  ) {
    precondition(heads > 0 && width % heads == 0, "a width of \(width) in \(heads) heads")
    (projection, output) = scope.within(name) { scope in
      (
        Dense("projection", width, 3 * width, initializer: initializer, in: &scope),
        Dense("output", width, width, initializer: initializer, in: &scope)
      )
    }
    self.heads = heads
    self.isCausal = isCausal
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let (q, k, v) = split(projection(x))
    return output(merged(attention(q, k, v, isCausal: isCausal)))
  }

  /// The next positions of sequences whose earlier ones the cache remembers; the cache then remembers these too.
  ///
  /// - Precondition: the layer is causal.
  public func callAsFunction(_ x: Variable, cache: inout KeyValueCache) -> Variable {
    precondition(isCausal, "only a causal layer can go on from a cache")
    var (q, k, v) = split(projection(x))
    if let keys = cache.keys, let values = cache.values {
      k = concatenate([x.tape.input(keys), k], axis: 2)
      v = concatenate([x.tape.input(values), v], axis: 2)
    }
    cache = KeyValueCache(keys: k.value, values: v.value)
    return output(merged(attention(q, k, v, isCausal: true)))
  }

  /// `[rows, times, 3 · width]` as queries, keys and values `[rows, heads, times, width / heads]`.
  private func split(_ x: Variable) -> (Variable, Variable, Variable) {
    let parts = x.split(2, into: 3).map { part in
      let (rows, times, width) = (part.shape[0], part.shape[1], part.shape[2])
      return part.reshaped([rows, times, heads, width / heads]).transposed(1, 2)
    }
    return (parts[0], parts[1], parts[2])
  }

  private func merged(_ x: Variable) -> Variable {
    let (rows, times) = (x.shape[0], x.shape[2])
    return x.transposed(1, 2).reshaped([rows, times, heads * x.shape[3]])
  }
}

/// What attention remembers of the positions it has seen, so that each further one costs only itself.
public struct KeyValueCache: Sendable {
  /// `[rows, heads, times, width / heads]`; nil before the first position.
  public internal(set) var keys: Tensor?
  public internal(set) var values: Tensor?
  /// Positions seen.
  public var count: Int { keys.map { $0.shape[2] } ?? 0 }
  public init() {}
  init(keys: Tensor, values: Tensor) {
    self.keys = keys
    self.values = values
  }
}

/// `x + attention(norm(x))`, then `x + perceptron(norm(x))`: the block of GPT-2 (Radford et al. 2019).
public struct TransformerBlock: Sendable {
  let before: LayerNorm
  let attention: MultiHeadAttention
  let between: LayerNorm
  let perceptron: Perceptron

  public init(
    _ name: String, width: Int, heads: Int, isCausal: Bool = true, hidden: Activation = .gelu,
    in scope: inout ParameterScope
  ) {
    (before, attention, between, perceptron) = scope.within(name) { scope in
      (
        LayerNorm("before", width, in: &scope),
        MultiHeadAttention("attention", width: width, heads: heads, isCausal: isCausal, in: &scope),
        LayerNorm("between", width, in: &scope),
        Perceptron("perceptron", sizes: [width, 4 * width, width], hidden: hidden, in: &scope)
      )
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let x = x + attention(before(x))
    return x + perceptron(between(x))
  }

  public func callAsFunction(_ x: Variable, cache: inout KeyValueCache) -> Variable {
    let x = x + attention(before(x), cache: &cache)
    return x + perceptron(between(x))
  }
}
