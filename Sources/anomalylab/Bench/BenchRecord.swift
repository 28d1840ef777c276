import Foundation

/// One measured number beside what it is held against, as one JSON line.
struct BenchRecord: CustomStringConvertible {
  var bench: String
  var `case`: String
  var value: Double
  var unit: String
  var reference: String
  /// 0: there is nothing to divide by.
  var referenceValue: Double
  /// What else is to be known of it.
  var note: String?

  var description: String {
    let ratio = referenceValue == 0 ? "null" : "\(value / referenceValue)"
    return
      "{\"bench\":\(Self.quoted(bench)),\"case\":\(Self.quoted(`case`)),\"value\":\(value),\"unit\":\(Self.quoted(unit)),"
      + "\"reference\":\(Self.quoted(reference)),\"reference_value\":\(referenceValue),\"ratio\":\(ratio)"
      + (note.map { ",\"note\":\(Self.quoted($0))" } ?? "") + "}"
  }

  private static func quoted(_ text: String) -> String {
    "\"\(text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\""))\""
  }
}
