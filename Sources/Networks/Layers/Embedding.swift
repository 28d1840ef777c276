public import Gradients
import Tensors

/// A learned vector per symbol: indices `[…]` to `[…, width]`.
public struct Embedding: Sendable {
  /// `[symbols, width]`
  public let table: Slot

  public init(
    _ name: String, symbols: Int, width: Int, initializer: Initializer = .normal(deviation: 1),
    in scope: inout ParameterScope
  ) {
    table = scope.within(name) { scope in
      scope.parameter("table", [symbols, width]) { random, count in
        initializer.values(count, inputs: symbols, outputs: width, random: &random)
      }
    }
  }

  /// - Parameter indices: whole numbers from 0 to below the number of symbols.
  public func callAsFunction(_ indices: Variable) -> Variable { gather(indices.tape[table], indices) }
}
