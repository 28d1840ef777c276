import Foundation
import Testing

/// Every verb of `anomalylab` over every member of the suite, as a true program on a tiny file.
@Suite struct SuiteMembersTests {
  /// Sizes that keep a member tiny, by the names that settings have.
  private static let small = [
    "hidden": "6", "units": "4", "channels": "4", "features": "4", "filters": "4", "components": "2",
    "bins": "4", "batch": "16", "layers": "2",
  ]

  private struct Member {
    let name: String
    let capabilities: Set<String>
    let settings: [String]

    func can(_ any: String...) -> Bool { any.contains { capabilities.contains($0) } }
  }

  private static func members() throws -> [Member] {
    func json(_ arguments: [String]) throws -> Any {
      try JSONSerialization.jsonObject(
        with: Data(try Programs.run("anomalylab", arguments, seconds: 60).output.utf8))
    }
    let all = try #require(try json(["models", "--json"]) as? [[String: Any]])
    return try all.map { entry in
      let name = try #require(entry["name"] as? String)
      let own = try #require(try json(["models", name, "--json"]) as? [String: Any])
      let settings = (own["settings"] as? [[String: String]] ?? []).compactMap { $0["name"] }
      return Member(
        name: name, capabilities: Set(entry["capabilities"] as? [String] ?? []),
        settings: settings.sorted().flatMap { setting in
          small[setting].map { ["--set", "\(setting)=\($0)"] } ?? []
        })
    }
  }

  /// Bits with a label, the first of them; some cells empty where asked.
  private static func rows(_ count: Int, holes: Bool = false) -> String {
    let lines = SuiteTests.bits(count).split(separator: "\n")
    return lines.enumerated().map { row, line -> String in
      if row == 0 { return line + ",label" }
      var cells = line.split(separator: ",").map(String.init)
      let label = cells[0] == "1" ? "one" : "none"
      if holes, row % 2 == 1 { cells[5] = "" }
      return (cells + [label]).joined(separator: ",")
    }.joined(separator: "\n") + "\n"
  }

  @Test func `every member does with every verb what it says, and refuses the others in a line`() throws {
    try Programs.withFolder { folder in
      let train = try SuiteTests.write(Self.rows(48), folder, "train.csv")
      let holes = try SuiteTests.write(Self.rows(10, holes: true), folder, "holes.csv")
      let members = try Self.members()
      #expect(members.count >= 30)
      for member in members {
        let model = folder.appending(path: "\(member.name).anom").path
        let out = folder.appending(path: "out.csv").path
        let fit = try Programs.run(
          "anomalylab",
          ["fit", member.name, "--data", train, "--out", model, "--epochs", "1"] + member.settings
            + (member.can("conditional") ? ["--labels", "label"] : []), seconds: 120)
        #expect(fit.status == 0, "\(member.name): \(fit.errors)")
        let hasCodes = member.can("encode", "invertible")
        let verbs: [(arguments: [String], isThere: Bool)] = [
          (["inspect", model], true),
          (["score", model, "--data", holes, "--out", out], true),
          (["evaluate", model, "--data", train, "--samples", "2"], true),
          (["sample", model, "--count", "3", "--out", out], true),
          (["sample", model, "--inpaint", holes, "--out", out], member.can("inpaint")),
          (
            ["sample", model, "--condition", "one,none", "--count", "4", "--out", out],
            member.can("conditional")
          ),
          (["encode", model, "--data", train, "--out", out], hasCodes),
          (
            ["sample", model, "--interpolate", "0", "1", "--data", train, "--count", "3", "--out", out],
            hasCodes
          ),
          (["sample", model, "--traverse", "0", "--count", "3", "--out", out], hasCodes),
          (["reconstruct", model, "--data", holes, "--out", out], member.can("reconstruct")),
        ]
        for (arguments, isThere) in verbs {
          try? FileManager.default.removeItem(atPath: out)
          let ended = try Programs.run("anomalylab", arguments, seconds: 120)
          #expect(ended.status == (isThere ? 0 : 64), "\(member.name) \(arguments): \(ended.errors)")
          guard isThere else {
            #expect(ended.errors.split(separator: "\n").count == 1)
            continue
          }
          let text =
            arguments.contains("--out") ? try String(contentsOfFile: out, encoding: .utf8) : ended.output
          #expect(!text.isEmpty && !text.lowercased().contains("nan"), "\(member.name) \(arguments)")
        }
      }
    }
  }
}
