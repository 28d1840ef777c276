import Gradients
import Networks

/// A perceptron to a code and its mirror image back to the row.
struct Coder: Sendable {
  let encoder: Perceptron
  let decoder: Perceptron
  let codeWidth: Int

  /// - Parameters:
  ///   - hidden: units of the encoder's hidden layers, from the row on.
  ///   - code: what follows the code's linear part.
  ///   - support: of the rows; grey values and bits are given back through a sigmoid.
  init(
    width: Int, hidden: [Int], codes: Int, activation: Activation, code: Activation, support: Support,
    in scope: inout ParameterScope
  ) {
    encoder = Perceptron(
      "encoder", sizes: [width] + hidden + [codes], hidden: activation, output: code, in: &scope)
    decoder = Perceptron(
      "decoder", sizes: [codes] + hidden.reversed() + [width], hidden: activation,
      output: support == .real ? .identity : .sigmoid, in: &scope)
    codeWidth = codes
  }
}

/// How wide a code is where nobody chose.
enum AutomaticCode {
  /// A bottleneck: about a quarter of the row, and of a picture 32 numbers.
  static func narrow(_ form: RowForm) -> Int {
    form.isPicture ? min(32, max(1, form.width - 1)) : Autoencoder.automaticCode(form.width)
  }

  /// More numbers than a row has, so that something else must keep the code from copying it; of wide rows fewer.
  static func wide(_ form: RowForm) -> Int { min(max(16, 2 * form.width), 400) }
}

extension RowForm {
  /// Rows and columns, and enough of both to look at.
  var isPicture: Bool { shape.count == 2 && width >= 64 }
}

/// Checks that several members share.
enum SettingCheck {
  static func units(_ name: String, _ value: Int) throws(FitError) {
    guard (0...65536).contains(value) else { throw .setting("\(name) is \(value), not 0 to 65536") }
  }
  static func layers(_ name: String, _ values: [Int]) throws(FitError) {
    guard values.count <= 16, values.allSatisfy({ (1...65536).contains($0) }) else {
      throw .setting("\(name) is \(values), not at most 16 widths of 1 to 65536")
    }
  }
  static func weight(_ name: String, _ value: Float) throws(FitError) {
    guard value >= 0, value <= 1e6 else { throw .setting("\(name) is \(value), not 0 to 1000000") }
  }
  static func share(_ name: String, _ value: Float) throws(FitError) {
    guard value >= 0, value < 1 else { throw .setting("\(name) is \(value), not 0 to below 1") }
  }
  static func word(_ name: String, _ value: String, of words: [String]) throws(FitError) {
    guard words.contains(value) else {
      throw .setting("\(name) is \(value), not one of \(words.joined(separator: ", "))")
    }
  }
}
