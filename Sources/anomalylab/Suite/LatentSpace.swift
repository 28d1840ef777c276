import Foundation
import Generative

/// The codes of a model there and back, of whichever kind it has.
struct LatentSpace {
  /// `rows × width`
  let codes: (Records) -> [Float]
  /// The rows that codes stand for; classes where the model is told of them.
  let rows: (_ codes: [Float], _ count: Int, _ labels: [Int]?) -> [Float]
  /// Whether codes are normal numbers, so that ways between them keep their length (White 2016).
  let isNormal: Bool

  /// Nil for a model without codes.
  init?(_ model: any TrainedModel) {
    // A flow's codes are its latent rows: it is asked first.
    if let model = model as? any InvertibleModel {
      codes = { model.latent(of: $0).z }
      rows = { codes, count, labels in model.rows(ofLatent: codes, count: count, labels: labels) }
      isNormal = true
    } else if let model = model as? any EncodingModel {
      codes = { model.codes(of: $0) }
      rows = { model.decode(codes: $0, count: $1, labels: $2) }
      isNormal = false
    } else {
      return nil
    }
  }

  /// Codes on the way from one to another, both ends included.
  func way(from a: ArraySlice<Float>, to b: ArraySlice<Float>, steps: Int) -> [Float] {
    let (start, end) = (Array(a), Array(b))
    return (0..<steps).flatMap { step -> [Float] in
      let share = steps > 1 ? Float(step) / Float(steps - 1) : 0
      let (p, q) = isNormal ? Self.arc(start, end, share) : (1 - share, share)
      return zip(start, end).map { p * $0 + q * $1 }
    }
  }

  /// The parts of both ends at a point of the great circle between them (Shoemake 1985).
  private static func arc(_ a: [Float], _ b: [Float], _ share: Float) -> (Float, Float) {
    func product(_ x: [Float], _ y: [Float]) -> Double { zip(x, y).reduce(0) { $0 + Double($1.0 * $1.1) } }
    let length = (product(a, a) * product(b, b)).squareRoot()
    let angle = length > 0 ? acos(max(-1, min(1, product(a, b) / length))) : 0
    let sine = sin(angle)
    guard sine > 1e-4 else { return (1 - share, share) }
    return (
      Float(sin((1 - Double(share)) * angle) / sine),
      Float(sin(Double(share) * angle) / sine)
    )
  }

  /// One unit of a code after the other, from where few codes lie below to where few lie above, all other units as they are.
  ///
  /// - Parameters:
  ///   - units: which.
  ///   - seen: codes of many rows, `count × width`, that say how far a unit moves.
  func traversal(of base: ArraySlice<Float>, units: [Int], seen: [Float], steps: Int) -> [Float] {
    let width = base.count
    return units.flatMap { unit -> [Float] in
      let values = stride(from: unit, to: seen.count, by: width).map { seen[$0] }.sorted()
      let low = values[(values.count - 1) / 50]
      let high = values[values.count - 1 - (values.count - 1) / 50]
      return (0..<steps).flatMap { step -> [Float] in
        var code = Array(base)
        code[unit] = low + (high - low) * (steps > 1 ? Float(step) / Float(steps - 1) : 0.5)
        return code
      }
    }
  }
}
