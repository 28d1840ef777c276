import Foundation
import Testing

@testable import Generative

struct MarkovChainsDiagnosticsTests {
  /// Values of ArviZ: see `Fixtures/make_markov_diagnostics.py`.
  struct Known: Decodable, CustomTestStringConvertible {
    let name: String
    let chains: [[Double]]
    let rHat: Double?
    let bulkESS: Double
    let tailESS: Double
    let meanMCSE: Double
    let sdMCSE: Double
    let energyBFMI: [Double]
    var testDescription: String { name }

    static func all() throws -> [Known] {
      let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/markov_diagnostics.json")
      return try JSONDecoder().decode([Known].self, from: Data(contentsOf: file))
    }
  }

  @Test(arguments: try Known.all())
  func `diagnostics of small sets are those of ArviZ`(_ known: Known) {
    typealias Diagnostics = ConvergenceDiagnostics
    func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(1, abs(b)) }
    if let rHat = known.rHat { #expect(isClose(Diagnostics.rHat(known.chains), rHat)) }
    #expect(isClose(Diagnostics.bulkESS(known.chains), known.bulkESS))
    #expect(isClose(Diagnostics.tailESS(known.chains), known.tailESS))
    #expect(isClose(Diagnostics.meanMCSE(known.chains), known.meanMCSE))
    #expect(isClose(Diagnostics.sdMCSE(known.chains), known.sdMCSE))
    for (mine, theirs) in zip(Diagnostics.energyBFMI(known.chains), known.energyBFMI) {
      #expect(isClose(mine, theirs))
    }
  }

  @Test func `normal quantiles are those of tables`() {
    // SciPy's norm.ppf.
    let known: [(Double, Double)] = [
      (0.5, 0), (0.975, 1.959963984540054), (0.6, 0.2533471031357997), (0.05, -1.6448536269514722),
      (1e-5, -4.264890793922825), (1e-20, -9.262340089798408), (1 - 1e-10, 6.361340889697422),
    ]
    for (p, z) in known { #expect(abs(normalQuantile(p) - z) <= 1e-12 * max(1, abs(z)), "\(p)") }
    #expect(normalQuantile(0) == -.infinity && normalQuantile(1) == .infinity)
  }

  @Test func `too few draws, or draws that are not numbers, have no diagnostics`() {
    #expect(ConvergenceDiagnostics.rHat([[1, 2, 3], [2, 3, 1]]).isNaN)
    #expect(ConvergenceDiagnostics.bulkESS([[1, 2, .nan, 4, 5]]).isNaN)
    #expect(ConvergenceDiagnostics.tailESS([]).isNaN)
  }

  @Test(arguments: PosteriorData.allCases)
  func `R-hat and effective sample sizes of the stored reference draws are reproduced to 1e-6`(
    _ posterior: PosteriorData
  ) throws {
    guard let file = try posterior.file(), let draws = try posterior.draws() else { return }
    let known = file.diagnostics
    for (index, name) in known.information.names.enumerated() {
      let chains = try draws.map { try #require($0[name]) }
      #expect(chains.count == 10 && chains[0].count == 1000)
      let rHat = ConvergenceDiagnostics.rHat(chains)
      #expect(abs(rHat - known.rHat[index]) <= 1e-6, "R-hat of \(name): \(rHat)")
      let bulk = ConvergenceDiagnostics.bulkESS(chains)
      #expect(abs(bulk / known.bulk[index] - 1) <= 1e-6, "bulk ESS of \(name): \(bulk)")
      let tail = ConvergenceDiagnostics.tailESS(chains)
      #expect(abs(tail / known.tail[index] - 1) <= 1e-6, "tail ESS of \(name): \(tail)")
      let summary = QuantitySummary(name, chains)
      let moments = try #require(file.reference[name])
      #expect(abs(summary.mean - moments.mean) <= 1e-9 && abs(summary.sd - moments.sd) <= 1e-9)
    }
  }
}

/// The two posteriors beside the project, where they are.
enum PosteriorData: String, CaseIterable {
  case eightSchools = "eight_schools-eight_schools_noncentered"
  case arma = "arma-arma11"

  struct File: Decodable {
    struct Diagnostics: Decodable {
      struct Information: Decodable { let names: [String] }
      let information: Information
      let bulk: [Double]
      let tail: [Double]
      let rHat: [Double]
      enum CodingKeys: String, CodingKey {
        case information = "diagnostic_information"
        case bulk = "effective_sample_size_bulk"
        case tail = "effective_sample_size_tail"
        case rHat = "r_hat"
      }
    }
    let reference: [String: Density.Moments]
    let diagnostics: Diagnostics
  }

  private func path(_ ending: String) -> URL? {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../../shared/data/generative/posteriors/\(rawValue)\(ending)"
    ).standardizedFileURL
    return FileManager.default.fileExists(atPath: url.path) ? url : nil
  }

  func json() throws -> Data? { try path(".json").map { try Data(contentsOf: $0) } }

  func file() throws -> File? { try json().map { try JSONDecoder().decode(File.self, from: $0) } }

  /// By chain, by name; unpacked by gzip.
  func draws() throws -> [[String: [Double]]]? {
    guard let path = path(".draws.json.gz") else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/gzip")
    process.arguments = ["-dc", path.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode([[String: [Double]]].self, from: bytes)
  }

  /// With what is known of it; nil where the data are absent.
  func density() throws -> Density? {
    try json().map { try MarkovTargets.density(rawValue, json: $0) }
  }
}
