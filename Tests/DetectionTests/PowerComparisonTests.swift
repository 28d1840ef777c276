import Detection
import Testing

@testable import Detection

/// A retrained model that finds clearly less is named, with the reason; one that finds as much is not.
@Suite struct PowerComparisonTests {
  private static func model(_ rows: TrainingRows, _ name: String) throws -> StreamModel {
    try ModelTrainer.train(rows, settings: .quick, seed: 4, snapshotName: name, trainedAt: 0)
  }

  @Test func `a model of the same stream is no worse, one that learned much wider life is`() throws {
    var signals = Signals(features: 3, common: 0.8, seed: 61)
    let early = signals.rows(900)
    let late = signals.rows(900)
    let champion = try Self.model(early, "champion")
    let equal = try Self.model(late, "equal")
    let fair = try #require(
      PowerComparison(candidate: equal, champion: champion, rows: late, settings: .quick))
    #expect(fair.objection == nil, "\(fair.objection ?? "")")
    #expect(try #require(fair.candidate.share) > 0.3)
    #expect(fair.candidate.curves.map(\.fault) == ShadowFault.allCases)
    // What was six times as wide, and without its relations, when it learned finds little in life as it is.
    var wide = late
    var other = Signals(features: 3, seed: 62)
    wide.values = other.rows(900).values.map { 6 * $0 }
    let blunt = try Self.model(wide, "blunt")
    let unfair = try #require(
      PowerComparison(candidate: blunt, champion: champion, rows: late, settings: .quick))
    let objection = try #require(unfair.objection)
    #expect(objection.hasPrefix("it finds ") && objection.contains("of planted"))
    #expect(try #require(unfair.candidate.share) < (unfair.champion.share ?? 0))
    // The other way round nobody minds.
    #expect(PowerComparison.objection(unfair.champion, unfair.candidate) == nil)
    #expect(
      PowerComparison(candidate: equal, champion: champion, rows: late.rows(0..<100), settings: .quick) == nil
    )
  }
}
