import Events
import Foundation
import Testing
import Wire

struct MessagesOutTests {
  private var alert: Alert {
    Alert(
      seq: 12, epoch: "e1", id: "01J", state: .open, stream: "host-17/\"q\"", ts: 1_732_270_000.25,
      onset: 1_732_269_990,
      severity: .major, score: 97.3, pValue: 2.1e-6,
      features: [.init(name: "cpu.user", value: 0.98, expected: 0.21, low: 0.05, high: 0.44, share: 0.61)],
      detectors: ["autoencoder": .init(raw: 3.5, pValue: 1e-6)],
      model: .init(snapshot: "s1", trainedAt: 1_732_000_000),
      kind: .value, text: "cpu.user is 0.98, expected 0.05 to 0.44.")
  }

  @Test func `an alert has its topic and the published names`() throws {
    let frames = try AlertMessage.frames(of: alert)
    #expect(frames.count == 2)
    #expect(String(decoding: frames[0], as: UTF8.self) == "alert/major/host-17/\"q\"")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(frames[1])) as? [String: Any])
    #expect(
      Set(object.keys) == [
        "schema", "seq", "epoch", "id", "state", "stream", "ts", "onset", "severity", "score", "p_value",
        "features",
        "detectors", "model", "kind", "text",
      ])
    #expect(object["schema"] as? Int == 1)
    #expect(try AlertMessage.decode(frames[1]) == alert)
    #expect(try AlertMessage.frames(of: alert) == frames)
  }

  @Test func `numbers that are none do not keep an alert from leaving`() throws {
    var alert = alert
    alert.features[0].value = .nan
    alert.features[0].high = .infinity
    alert.features[0].low = -.infinity
    alert.detectors["rbm"] = .init(raw: .infinity, pValue: .nan)
    let decoded = try AlertMessage.decode(try AlertMessage.payload(of: alert))
    #expect(decoded.features[0].value == nil)
    #expect(decoded.features[0].high == .greatestFiniteMagnitude)
    #expect(decoded.features[0].low == -.greatestFiniteMagnitude)
    #expect(decoded.detectors["rbm"]?.raw == .greatestFiniteMagnitude)
  }

  @Test func `a score message is JSON whose numbers read back the same`() throws {
    var message = ScoreMessage()
    for (stream, ts, score, pValue) in [
      ("host-17", 1_732_270_000.25, 12.5, 0.3), ("a\"b\\c\n\u{1}é", 1.0 / 3, 0.1, 2.1e-16),
      ("host-17", 0, 100, 1e-300),
    ] {
      message.write(stream: stream, timestamp: ts, score: score, pValue: pValue, confidence: 0.94)
      #expect(String(decoding: message.topic, as: UTF8.self) == "score/\(stream)")
      struct Score: Decodable {
        var stream: String
        var ts: Double
        var score: Double
        var pValue: Double
        var confidence: Double
        enum CodingKeys: String, CodingKey {
          case stream, ts, score, confidence
          case pValue = "p_value"
        }
      }
      let read = try JSONDecoder().decode(Score.self, from: Data(message.payload))
      #expect(read.stream == stream && read.ts == ts && read.score == score && read.pValue == pValue)
      #expect(read.confidence == 0.94)
    }
    message.write(stream: "s", timestamp: 1, score: .nan, pValue: nil, confidence: 0)
    #expect(
      String(decoding: message.payload, as: UTF8.self)
        == #"{"stream":"s","ts":1.0,"score":null,"p_value":null,"confidence":0.0}"#)
  }

  @Test func `refused messages have a topic by source and reason, an extract that can be printed`() {
    #expect(DeadLetter.topic(source: "web", refusal: .malformedJSON) == "dead-letter/web/malformed-json")
    let bytes = Array("{\"x\":1\n\u{1B}[31m".utf8) + [0xFF]
    #expect(Refusal.extract(of: bytes.span) == "{\"x\":1..[31m.")
    #expect(Refusal.extract(of: [UInt8](repeating: 0x61, count: 500).span).count == 81)
    #expect(Set(Refusal.allCases.map(\.name)).count == Refusal.allCases.count)
  }
}
