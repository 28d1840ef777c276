import Foundation
import Testing

/// `anomalylab bench train` as a true program.
@Suite struct TrainingBenchTests {
  @Test func `bench train measures the workloads that are named, as JSON lines`() throws {
    let ended = try Programs.run(
      "anomalylab", ["bench", "train", "realnvp", "autoencoder", "--seconds", "0.05", "--json"],
      environment: ["ANOMALYLAB_PYTHON": "/nowhere/python3"])
    #expect(ended.status == 0, "\(ended.errors)")
    let lines = try ended.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.map { $0["workload"] as? String } == ["autoencoder", "realnvp"])
    for line in lines {
      #expect(line["unit"] as? String == "rows" && line["threads"] as? Int == 1)
      for key in ["per_s", "gflop_per_s"] { #expect(try #require(line[key] as? Double) > 0) }
      #expect(try #require(line["loss"] as? Double).isFinite)
      #expect(try #require(line["allocations_per_step"] as? Double) >= 0)
      #expect(line["ratio"] == nil)
    }
  }

  @Test(
    "what cannot be measured is a usage mistake",
    arguments: [
      ["bench", "train", "nothing"], ["bench", "vae"], ["bench", "train", "--threads", "0"],
      ["bench", "train", "--seconds", "-1"],
    ])
  func mistakes(arguments: [String]) throws {
    #expect(try Programs.run("anomalylab", arguments).status == 64)
  }
}
