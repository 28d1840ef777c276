import Generative
import Tensors

extension Benchmarks {
  /// The event path of the models alone, per row and in micro-batches of 64, and what a fit costs.
  static let score = Benchmark(
    name: "score", summary: "time to score a row by both models in micro-batches of 64, and to fit them"
  ) { run in
    for width in run.settings["widths"].map({ $0.split(separator: "/").compactMap { Int($0) } }) ?? [48, 300]
    {
      try measureScoring(width: width, run)
    }
  }

  private static let microBatch = 64

  private static func measureScoring(width: Int, _ run: BenchRun) throws {
    let rows = run.setting("rows", 2000)
    let data = DataMatrix(rows: rows, columns: width, values: ScoreLoad.rows(rows, width: width, seed: 1))
    let inputs = ScoreLoad.rows(microBatch, width: width, seed: 2)
    let mask = [Float](repeating: 1, count: inputs.count)
    var models: [any TrainedModel] = []
    for entry in Catalogue.all where entry.name != Independent.catalogueName {
      var fitted: (any TrainedModel)?
      let seconds = try ScoreLoad.seconds { fitted = try entry.fit(data, 1, { false }) }
      guard let model = fitted else { continue }
      models.append(model)
      run.report("fit \(entry.name), \(rows) rows × \(width)", seconds, "s")
      let products = ScoreLoad.productSeconds(
        ScoreLoad.layers(of: entry.name, width: width), rows: microBatch)
      run.report(
        "\(entry.name), \(width) inputs", 1e9 * perRow([model], inputs, mask: nil), "ns/row",
        reference: "its matrix products alone", 1e9 * products / Double(microBatch))
    }
    let plain = perRow(models, inputs, mask: nil)
    run.report("both models, \(width) inputs", 1e9 * plain, "ns/row", reference: "goal", 1000)
    run.report("both models, \(width) inputs, masked", 1e9 * perRow(models, inputs, mask: mask), "ns/row")
    run.report("both models, \(width) inputs, rate", 1 / plain, "rows/s")
  }

  /// The best of many short runs: what the machine does when nobody disturbs it.
  private static func perRow(_ models: [any TrainedModel], _ inputs: [Float], mask: [Float]?) -> Double {
    var raw = [Float](repeating: 0, count: microBatch)
    var scratch = Scratch()
    let repeats = 20
    var best = Double.infinity
    for _ in 0..<300 {
      let seconds = ScoreLoad.seconds {
        for _ in 0..<repeats {
          for model in models {
            model.score(inputs, mask: mask, rows: microBatch, into: &raw, scratch: &scratch)
          }
        }
      }
      best = min(best, seconds / Double(repeats * microBatch))
    }
    return best
  }
}

/// Rows of a few hidden causes with noise, and what their scoring is held against.
private enum ScoreLoad {
  static func rows(_ count: Int, width: Int, seed: UInt64) -> [Float] {
    var fixed = RandomStream(seed: 0, stream: 3)
    let causes = 6
    let mixing = fixed.normals(width * causes)
    var random = RandomStream(seed: seed, stream: 4)
    var rows: [Float] = []
    for _ in 0..<count {
      let strength = random.normals(causes)
      let noise = random.normals(width)
      for i in 0..<width {
        rows.append((0..<causes).reduce(0.3 * noise[i]) { $0 + 0.4 * mixing[i * causes + $1] * strength[$1] })
      }
    }
    return rows
  }

  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let elapsed = try clock.measure(body)
    return Double(elapsed.components.seconds) + 1e-18 * Double(elapsed.components.attoseconds)
  }

  /// The widths of a model's layers with automatic sizes.
  static func layers(of name: String, width: Int) -> [Int] {
    let hidden = Autoencoder.automaticHidden(width)
    return name == Autoencoder.catalogueName
      ? [width, hidden, Autoencoder.automaticCode(width), hidden, width] : [width, hidden]
  }

  static func productSeconds(_ widths: [Int], rows: Int) -> Double {
    let widest = widths.max() ?? 1
    let weights = [Float](repeating: 0.01, count: widest * widest)
    let input = [Float](repeating: 0.5, count: rows * widest)
    var output = input
    var best = Double.infinity
    for _ in 0..<300 {
      best = min(
        best,
        seconds {
          for (k, n) in zip(widths, widths.dropFirst()) {
            Product.multiply(m: rows, n: n, k: k, input, weights, into: &output)
          }
        })
    }
    return best
  }
}
