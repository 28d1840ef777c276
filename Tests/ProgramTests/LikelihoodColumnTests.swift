import Foundation
import Testing

/// What `anomalylab score` says of a likelihood beside the likelihood.
@Suite struct LikelihoodColumnTests {
  private static func lab(_ arguments: String...) throws -> Programs.Ended {
    try Programs.run("anomalylab", arguments)
  }

  private static func column(_ name: String, of path: String) throws -> [Double] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let at = try #require(lines[0].split(separator: ",").firstIndex(of: name[...]))
    return try lines.dropFirst().map { try #require(Double($0.split(separator: ",")[at])) }
  }

  /// `y` follows `x` but for rows from `broken` on.
  private static func table(_ rows: Int, seed: UInt64, broken: Int = .max) -> String {
    var state = seed
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53) - 0.5
    }
    var text = "x,y\n"
    for row in 0..<rows {
      let x = uniform()
      text += "\(x),\(row < broken ? x + 0.2 * uniform() : uniform())\n"
    }
    return text
  }

  @Test func `score adds typicality with usual rows and a likelihood ratio with a background`() throws {
    try Programs.withFolder { folder in
      func path(_ name: String) -> String { folder.appending(path: name).path }
      for (name, text) in [
        ("train.csv", Self.table(800, seed: 1)), ("usual.csv", Self.table(300, seed: 2)),
        ("test.csv", Self.table(100, seed: 3, broken: 50)),
      ] {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
      }
      #expect(
        try Self.lab("fit", "gaussian", "--data", path("train.csv"), "--out", path("g.anom")).status == 0)
      #expect(
        try Self.lab(
          "fit", "gaussian", "--data", path("train.csv"), "--out", path("b.anom"), "--exchange", "1"
        ).status == 0)
      for (model, data, out) in [("g", "usual", "u"), ("b", "test", "b")] {
        #expect(
          try Self.lab(
            "score", path("\(model).anom"), "--data", path("\(data).csv"), "--out", path("\(out).csv")
          )
          .status == 0)
      }
      let all = path("all.csv")
      #expect(
        try Self.lab(
          "score", path("g.anom"), "--data", path("test.csv"), "--out", all, "--usual", path("usual.csv"),
          "--background", path("b.anom")
        ).status == 0)
      let header = try String(contentsOfFile: all, encoding: .utf8).split(separator: "\n")[0]
      #expect(header == "index,score,log_likelihood,kind,typicality,likelihood_ratio")
      let likelihoods = try Self.column("log_likelihood", of: all)
      let usual = try Self.column("log_likelihood", of: path("u.csv"))
      let background = try Self.column("log_likelihood", of: path("b.csv"))
      let (typicality, ratio) = (
        try Self.column("typicality", of: all), try Self.column("likelihood_ratio", of: all)
      )
      let mean = usual.reduce(0, +) / 300
      for row in 0..<100 {
        #expect(abs(typicality[row] - abs(likelihoods[row] - mean)) < 1e-9)
        #expect(abs(ratio[row] - (likelihoods[row] - background[row])) < 1e-9)
      }
      // What two numbers say of each other is all that a background of exchanged ones lacks: about their mutual information, and
      // less than nothing where the one does not follow the other.
      #expect(ratio[..<50].reduce(0, +) / 50 > 0.5)
      #expect(ratio[50...].reduce(0, +) / 50 < 0)

      let model = path("a.anom")
      #expect(
        try Self.lab("fit", "autoencoder", "--data", path("train.csv"), "--out", model, "--epochs", "2")
          .status
          == 0)
      let refused = try Self.lab(
        "score", model, "--data", path("test.csv"), "--out", all, "--usual", path("usual.csv"))
      #expect(refused.status == 64 && refused.errors.contains("likelihood"), "\(refused.errors)")
    }
  }
}
