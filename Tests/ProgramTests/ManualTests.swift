import Control
import Foundation
import Testing

/// What goes into a package beside the programs.
@Suite struct ManualTests {
  static let root = {
    var folder = URL(filePath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder
  }()

  func page(_ program: String, section: Int) throws -> String {
    let command = Programs.path(program).path
    let lab = Programs.path("anomalylab").path
    let ended = try Programs.run(
      "/bin/bash",
      ["-c", "set -o pipefail; '\(command)' --experimental-dump-help | '\(lab)' manual --section \(section)"])
    try #require(ended.status == 0, "\(ended.errors)")
    return ended.output
  }

  @Test(arguments: [("anomalyd", 8), ("anomalyctl", 1), ("anomalylab", 1)])
  func `a manual page says what --help says, and its formatter finds nothing to complain of`(
    program: String, section: Int
  ) throws {
    let page = try page(program, section: section)
    #expect(page.hasPrefix(".TH \(program.uppercased()) \(section) "))
    let help = try Programs.run(program, ["--help"]).output
    for option in help.matches(of: /--[a-z-]+/).map({ String($0.output) })
    where option != "--help" && option != "--version" {
      #expect(page.contains(option.replacing("-", with: "\\-")), "no \(option)")
    }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/groff") else { return }
    try Programs.withFolder { folder in
      let file = folder.appending(path: "page").path
      try page.write(toFile: file, atomically: true, encoding: .utf8)
      let ended = try Programs.run("/usr/bin/groff", ["-man", "-Tutf8", "-ww", "-z", file])
      #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
    }
  }

  @Test func `anomalyctl's page has every command of the control socket that a person can use`() throws {
    let page = try page("anomalyctl", section: 1)
    // For the dashboard's charts only, and what is asked by `snapshots --diff` and `explain --rerun`.
    let drawn: Set = ["trace", "traverse", "diff", "rerun"]
    for command in ControlRequest.commands where !drawn.contains(command) {
      #expect(page.contains("\n.SS \(command)\n"), "no \(command)")
    }
  }

  @Test func `what is no help of a program makes no page`() throws {
    #expect(try Programs.run("anomalylab", ["manual", "--section", "1"]).status == 65)
    #expect(try Programs.run("anomalylab", ["manual", "--section", "9"]).status == 64)
  }

  @Test(arguments: ["anomalyd", "anomalyctl", "anomalylab"])
  func `completions are scripts that their shell can read`(program: String) throws {
    let command = Programs.path(program).path
    let ended = try Programs.run(
      "/bin/bash", ["-c", "'\(command)' --generate-completion-script bash | bash -n"])
    #expect(ended.status == 0, "\(ended.errors)")
  }

  @Test func `the Grafana board asks only for metrics that there are`() throws {
    let data = try Data(contentsOf: Self.root.appending(path: "config/grafana.json"))
    let board = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let panels = try #require(board["panels"] as? [[String: Any]])
    let asked = Set(
      panels.flatMap { ($0["targets"] as? [[String: Any]]) ?? [] }.compactMap { $0["expr"] as? String }
        .flatMap { $0.matches(of: /\b(?:anomalyd|process)_[a-z_]+/).map { String($0.output) } })
    #expect(asked.count > 15)
    try Programs.withFolder { folder in
      let daemon = try Daemon(
        "sources: [{name: in, socket: pull, bind: [\"\(Daemon.endpoint("in", in: folder))\"]}]", in: folder)
      let text = try daemon.http("GET", "/metrics").body
      let families = Set(text.matches(of: #/# TYPE ([a-z_]+) /#).map { String($0.output.1) })
      for name in asked {
        let family = name.hasSuffix("_bucket") ? String(name.dropLast("_bucket".count)) : name
        // Ages of models are there once there is one.
        #expect(families.contains(family) || family == "anomalyd_model_age_seconds_max", "no \(name)")
      }
    }
  }
}
