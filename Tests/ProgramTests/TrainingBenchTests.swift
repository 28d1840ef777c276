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

  @Test func `bench calibration prints the rows between false alarms, promised and measured`() throws {
    let ended = try Programs.run(
      "anomalylab",
      ["bench", "calibration", "--json", "--set", "events=30000", "--set", "only=white features=16"])
    #expect(ended.status == 0, "\(ended.errors)")
    let lines = try ended.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let runs = lines.filter { ($0["case"] as? String)?.contains("between") == true }
    #expect(runs.map { ($0["reference_value"] as? Double)?.rounded() } == [100, 1000, 4992])
    for run in runs {
      let note = try #require(run["note"] as? String)
      let alarms = Int(note.prefix { $0 != " " }) ?? 0
      #expect(note.contains("in 30000 rows") && run["unit"] as? String == "rows")
      #expect(try #require(run["value"] as? Double) == 30_000 / Double(max(1, alarms)))
    }
    // On noise, three hundred of one in a hundred: the promise is kept, and the error is about that of so many.
    let note = try #require(runs[0]["note"] as? String)
    let figure = try #require(note.split(separator: " ").dropLast().last)
    let error = try #require(Double(figure))
    #expect(abs(try #require(runs[0]["value"] as? Double) - 100) < 6 * error)
    #expect(error > 2 && error < 20)
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
