import Foundation
import Testing

@Suite struct SoakTests {
  /// What `anomalylab soak --json` says.
  struct Outcome: Decodable {
    struct Finding: Decodable {
      struct Fault: Decodable { let kind: String }
      let fault: Fault
      let incident: String?
    }
    let findings: [Finding]
    let told: Int
    let lost: Int
    let toldTwice: Int
    let idsTwice: Int
    enum CodingKeys: String, CodingKey {
      case findings, told, lost
      case toldTwice = "told_twice"
      case idsTwice = "ids_twice"
    }
  }

  @Test func `a simulated day with two restarts tells every alert exactly once and finds what jumps`() throws
  {
    let run = try Programs.run(
      "anomalylab",
      ["soak", "--streams", "40", "--hours", "6", "--faults", "12", "--restarts", "2", "--json"])
    let outcome = try JSONDecoder().decode(Outcome.self, from: Data(run.output.utf8))
    #expect(outcome.lost == 0 && outcome.toldTwice == 0 && outcome.idsTwice == 0)
    #expect(outcome.told > 0)
    #expect(outcome.findings.count == 12)
    let jumps = outcome.findings.filter { ["level", "burst"].contains($0.fault.kind) }
    #expect(!jumps.isEmpty && jumps.allSatisfy { $0.incident != nil })
  }
}
