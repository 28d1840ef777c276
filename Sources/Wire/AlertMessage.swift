public import Events
import Foundation

/// An alert as it leaves: the topic `alert/<severity>/<stream>`, then one JSON object with its keys in alphabetical order.
public enum AlertMessage {
  public static func topic(of alert: Alert) -> [UInt8] {
    Array("alert/\(alert.severity.rawValue)/\(alert.stream)".utf8)
  }

  /// The frames to send.
  ///
  /// - Throws: an encoding error; with finite numbers, which this sees to, there is none.
  public static func frames(of alert: Alert) throws -> [[UInt8]] {
    [topic(of: alert), try payload(of: alert)]
  }

  public static func payload(of alert: Alert) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(finite(alert)))
  }

  /// - Throws: a decoding error that names the key.
  public static func decode(_ payload: [UInt8]) throws -> Alert {
    try JSONDecoder().decode(Alert.self, from: Data(payload))
  }

  /// JSON has no infinities: they become the largest double, and what is no number at all becomes null or 0.
  private static func finite(_ alert: Alert) -> Alert {
    func finite(_ number: Double) -> Double {
      if number.isNaN { return 0 }
      return min(max(number, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }
    var result = alert
    result.ts = finite(alert.ts)
    result.onset = finite(alert.onset)
    result.resolvedAt = alert.resolvedAt.map(finite)
    result.score = finite(alert.score)
    result.pValue = finite(alert.pValue)
    result.model.trainedAt = finite(alert.model.trainedAt)
    result.features = alert.features.map { feature in
      var feature = feature
      feature.value = feature.value.flatMap { $0.isNaN ? nil : finite($0) }
      feature.expected = finite(feature.expected)
      feature.low = finite(feature.low)
      feature.high = finite(feature.high)
      feature.share = finite(feature.share)
      return feature
    }
    result.detectors = alert.detectors.mapValues { score in
      Alert.DetectorScore(raw: finite(score.raw), pValue: finite(score.pValue))
    }
    return result
  }
}
