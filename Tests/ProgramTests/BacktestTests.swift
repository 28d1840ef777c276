import Foundation
import Testing

/// `anomalylab backtest` as a true program, on a made-up recording whose fault is known.
@Suite struct BacktestTests {
  @Test func `a plain fault is found at once, in the figures and on the page`() throws {
    try Programs.withFolder { folder in
      var random = Xorshift(state: 7)
      var rows = ["ts,a,b,label,split"]
      for index in 0..<1200 {
        let isFault = (1000..<1030).contains(index)
        let a = 5 + random.normal() + (isFault ? 25 : 0)
        let split = index < 800 ? "train" : "test"
        rows.append("\(1_700_000_000 + index),\(a),\(a + random.normal()),\(isFault ? 1 : 0),\(split)")
      }
      let data = folder.appending(path: "made.csv")
      let page = folder.appending(path: "page.html")
      try (rows.joined(separator: "\n") + "\n").write(to: data, atomically: true, encoding: .utf8)
      let ended = try Programs.run(
        "anomalylab", ["backtest", "--data", data.path, "--report", page.path, "--json"], seconds: 120)
      #expect(ended.status == 0, "\(ended.errors)")
      let lines = try ended.lines.map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      let thresholds = try #require(lines.first?["thresholds"] as? [[String: Any]])
      let loose = try #require(thresholds.first)
      #expect(loose["recall"] as? Double == 1 && loose["events"] as? Int == 1)
      #expect(try #require(loose["median_delay"] as? Double) <= 3)
      #expect(try #require(lines.last?["mean_vuspr"] as? Double) > 0.8)
      #expect(try String(contentsOf: page, encoding: .utf8).contains("<svg"))
    }
  }
}
