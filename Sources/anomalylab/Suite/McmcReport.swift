import Control
import Datasets
import Foundation
import Generative

/// What chains gave, for a person, a program and files.
struct ChainReport {
  let target: String
  let kernel: String
  let draws: Draws
  let summaries: [QuantitySummary]
  /// Nil where there are no chains of a kernel, as for a lattice.
  let run: MarkovChainRun?
  /// Divergences mean something.
  let isTrajectory: Bool

  init(
    target: String, kernel: String, run: MarkovChainRun, reference: [String: Density.Moments],
    isTrajectory: Bool
  ) {
    self.target = target
    self.kernel = kernel
    self.run = run
    self.isTrajectory = isTrajectory
    draws = run.draws
    summaries = draws.summaries(reference: reference)
  }

  init(target: String, kernel: String, draws: Draws, reference: [String: Density.Moments]) {
    self.target = target
    self.kernel = kernel
    self.draws = draws
    run = nil
    isTrajectory = false
    summaries = draws.summaries(reference: reference)
  }

  // MARK: for a person

  func text(_ style: TextStyle) -> String {
    let isKnown = summaries.contains { $0.reference != nil }
    let names = ["mean", "mcse", "sd", "5 %", "median", "95 %", "R-hat", "bulk ESS", "tail ESS"]
    var table = TextTable(
      [.init("quantity")] + (names + (isKnown ? ["known", "off by"] : [])).map { .init($0, .right) })
    for one in summaries {
      var cells: [TextTable.Cell] = [
        .init(one.name), .init(Readable.number(one.mean)), .init(Readable.number(one.meanMCSE), .faint),
        .init(Readable.number(one.sd)), .init(Readable.number(one.low)),
        .init(Readable.number(one.median)), .init(Readable.number(one.high)),
        .init(String(format: "%.4f", one.rHat), one.rHat < 1.01 ? .good : .bad),
        .init(Readable.number(one.bulkESS.rounded()), one.bulkESS >= 400 ? .good : .bad),
        .init(Readable.number(one.tailESS.rounded()), one.tailESS >= 400 ? .good : .bad),
      ]
      if isKnown {
        cells.append(.init(Readable.number(one.reference?.mean)))
        cells.append(
          .init(
            one.meanError.map { String(format: "%+.1f mcse", $0) } ?? "–",
            abs(one.meanError ?? 0) <= 4 ? .plain : .bad))
      }
      table.append(cells)
    }
    return table.rendered(style) + lines.map { $0 + "\n" }.joined()
  }

  private var lines: [String] {
    var lines = ["\(target) by \(kernel): \(draws.chains) chains of \(draws.count) draws"]
    guard let run else { return lines }
    if run.ending != .complete { lines[0] += " (ended early: \(run.ending.rawValue))" }
    let acceptance = run.acceptance.reduce(0, +) / Double(max(run.acceptance.count, 1))
    lines.append(
      "acceptance \(Readable.share(acceptance)), steps "
        + run.stepSizes.map { Readable.number($0) }.joined(separator: ", "))
    if isTrajectory {
      let divergences = run.divergences.reduce(0, +)
      lines.append(
        divergences == 0
          ? "no divergences"
          : "\(divergences) divergences: draws are missing where curvature is high: a higher --acceptance takes smaller steps, "
            + "and another parametrisation may help more")
      let cut = run.cutTrajectories.reduce(0, +)
      if cut > 0 {
        lines.append("\(cut) trajectories were cut off before they turned: more would mix better")
      }
      if let worst = run.energyBFMI?.min() {
        lines.append(
          "E-BFMI \(String(format: "%.2f", worst))"
            + (worst < 0.3 ? ": tails are reached too slowly to be trusted" : ""))
      }
    }
    return lines
  }

  // MARK: for a program

  private struct Document: Encodable {
    struct Quantity: Encodable {
      var name: String
      var mean, sd, q5, median, q95, rHat, essBulk, essTail, mcseMean, mcseSd: Double
      var referenceMean: Double?
      var errorInMcse: Double?
    }
    var target: String
    var kernel: String
    var chains: Int
    var draws: Int
    var ending: String
    var acceptance: [Double]?
    var stepSize: [Double]?
    var divergences: [Int]?
    var cutTrajectories: [Int]?
    var eBfmi: [Double]?
    var evaluations: Int?
    var quantities: [Quantity]
  }

  func json() throws -> String {
    let document = Document(
      target: target, kernel: kernel, chains: draws.chains, draws: draws.count,
      ending: (run?.ending ?? .complete).rawValue, acceptance: run?.acceptance, stepSize: run?.stepSizes,
      divergences: isTrajectory ? run?.divergences : nil,
      cutTrajectories: isTrajectory ? run?.cutTrajectories : nil, eBfmi: isTrajectory ? run?.energyBFMI : nil,
      evaluations: run?.evaluations,
      quantities: summaries.map {
        .init(
          name: $0.name, mean: $0.mean, sd: $0.sd, q5: $0.low, median: $0.median, q95: $0.high, rHat: $0.rHat,
          essBulk: $0.bulkESS, essTail: $0.tailESS, mcseMean: $0.meanMCSE, mcseSd: $0.sdMCSE,
          referenceMean: $0.reference?.mean, errorInMcse: $0.meanError)
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }

  // MARK: files

  /// Draws as they are, and beside them the trace of one quantity: the one asked for, or that with the smallest sample size.
  func write(to path: String, trace: String?) throws {
    if DataFormat(path: path) == .npy {
      let values = draws.values.flatMap { $0.map(Float.init) }
      let shape = [draws.chains, draws.count, draws.names.count]
      try DataFile.write(DataArray(shape: shape, values: values), to: path)
    } else {
      try FileBytes.write(Array(csv.utf8), to: path)
    }
    let worst = summaries.min { $0.bulkESS < $1.bulkESS }?.name
    guard let name = trace ?? worst, let chains = draws[name] else {
      throw Failure(
        .usage, what: "--trace \(trace ?? "")", why: "is no quantity of \(target)",
        remedy: "choose one of \(draws.names.joined(separator: ", "))")
    }
    let chart = Chart(
      title: "\(target) by \(kernel)", x: "draw", y: name,
      series: chains.enumerated().map { Chart.Series("chain \($0 + 1)", y: $1) })
    try chart.write(to: Self.chartPath(path))
  }

  private static func chartPath(_ path: String) -> String {
    var path = path
    for ending in [".gz", ".csv", ".npy"] where path.hasSuffix(ending) { path.removeLast(ending.count) }
    return path + ".svg"
  }

  /// `chain,draw,…` with one column per quantity, in full precision.
  private var csv: String {
    let names = draws.names.map { $0.contains(",") ? "\"\($0)\"" : $0 }
    var text = "chain,draw,\(names.joined(separator: ","))\n"
    for chain in 0..<draws.chains {
      for index in 0..<draws.count {
        let numbers = draws.draw(index, chain: chain).map { "\($0)" }
        text += "\(chain + 1),\(index + 1),\(numbers.joined(separator: ","))\n"
      }
    }
    return text
  }
}
