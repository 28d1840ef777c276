import Control
import Foundation

/// Values as JSON with the names of scripts: `held_out_loss`.
enum JSONLine {
  /// On one line.
  static func text(_ value: some Encodable) throws(Failure) -> String { try text(value, []) }

  /// For a file that a person may look into.
  static func indented(_ value: some Encodable) throws(Failure) -> String {
    try text(value, [.prettyPrinted])
  }

  private static func text(_ value: some Encodable, _ format: JSONEncoder.OutputFormatting) throws(Failure)
    -> String
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format.union([.sortedKeys, .withoutEscapingSlashes])
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw Failure(.software, what: "result", why: "\(error)", remedy: "please report it")
    }
  }
}
