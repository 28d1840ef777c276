public import Tensors

/// The optimizer of Kingma & Ba 2015 with bias correction, as in its algorithm 1.
public struct Adam: Sendable, Equatable {
  public struct Settings: Sendable, Equatable {
    public var rate: Float
    public var beta1: Float = 0.9
    public var beta2: Float = 0.999
    public var epsilon: Float = 1e-8
    public init(rate: Float = 1e-3) { self.rate = rate }
  }

  public var settings: Settings
  /// Steps taken.
  public private(set) var steps = 0
  private var first: [Float] = []
  private var second: [Float] = []

  public init(_ settings: Settings = Settings()) { self.settings = settings }

  /// Moves the parameters one step down the gradients, tensor by tensor of the same shapes.
  public mutating func update(_ parameters: inout [Tensor], gradients: [Tensor]) {
    precondition(
      parameters.map(\.shape) == gradients.map(\.shape), "gradients of other shapes than the parameters")
    var arena = Arena()
    let count = parameters.reduce(0) { $0 + $1.count }
    if first.isEmpty {
      (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
    }
    precondition(first.count == count, "\(count) parameters, but \(first.count) before")
    let regions = (0..<4).map { _ in arena.reserve(count) }
    arena[regions[0]] = parameters.flatMap(\.values)
    arena[regions[1]] = gradients.flatMap(\.values)
    arena[regions[2]] = first
    arena[regions[3]] = second
    steps += 1
    arena.adam(
      regions[0], gradient: regions[1], first: regions[2], second: regions[3], rate: settings.rate,
      beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon, step: steps, scale: 1)
    first = arena[regions[2]]
    second = arena[regions[3]]
    var rest = arena[regions[0]][...]
    for i in parameters.indices {
      parameters[i].values = Array(rest.prefix(parameters[i].count))
      rest = rest.dropFirst(parameters[i].count)
    }
  }
}
