import Detection
import Foundation
import Testing

struct FalseAlarmBudgetTests {
  /// A fleet whose tails are heavier than its p-values say: at strictness s incidents come by chance at
  /// `20 · exp(-s / dishonesty)` an hour.
  private func live(_ budget: inout FalseAlarmBudget, hours: Range<Int>, dishonesty: Float) {
    var debt = 0.0
    for hour in hours {
      budget.advance(to: Double(hour) * 3600, events: UInt64(hour) * 60_000)
      debt += 20 * Double(exp(-budget.strictness / dishonesty))
      while debt >= 1 {
        debt -= 1
        budget.countIncident()
      }
    }
  }

  @Test("in the long run there are as many incidents as the budget says", arguments: [1, 3, 6] as [Float])
  func kept(dishonesty: Float) {
    var budget = FalseAlarmBudget(perWeek: 2)
    live(&budget, hours: 0..<10 * 168, dishonesty: dishonesty)
    let (before, allowed) = (budget.incidents, budget.allowed)
    live(&budget, hours: 10 * 168..<62 * 168, dishonesty: dishonesty)
    let measured = Double(budget.incidents - before) / (budget.allowed - allowed)
    #expect(measured > 1 / 1.5 && measured < 1.5, "\(measured) times the budget")
  }

  @Test func `strictness begins where honest p-values want it, and falls without incidents`() {
    var budget = FalseAlarmBudget(perWeek: 2)
    budget.advance(to: 0, events: 0)
    budget.advance(to: 600, events: 10_000)
    // 10,000 events in ten minutes are 10.08 million a week, 1,008 of them at one in ten thousand.
    #expect(abs(budget.strictness - log(504)) < 0.01)
    let first = budget.strictness
    for day in 1...7 { for hour in 0..<24 { budget.advance(to: Double(day * 24 + hour) * 3600, events: 0) } }
    #expect(budget.strictness < first)
    #expect(FalseAlarmBudget.stricter(90, by: 0) == 90)
    #expect(FalseAlarmBudget.stricter(90, by: 4) > 96)
    var restored = FalseAlarmBudget(perWeek: 2)
    restored.restore(budget.state)
    #expect(restored.strictness == budget.strictness && restored.span == budget.span)
  }

  @Test func `what a budget leaves unused makes it less strict than without one, by a little`() {
    var budget = FalseAlarmBudget(perWeek: 1000)
    for hour in 0..<1000 { budget.advance(to: Double(hour) * 3600, events: 100) }
    #expect(budget.strictness == -2)
    let opening = FalseAlarmBudget.stricter(90, by: budget.strictness)
    #expect(opening > 80 && opening < 90)
    // One incident by chance takes a step back.
    budget.countIncident()
    #expect(budget.strictness == -1.5)
    var restored = FalseAlarmBudget(perWeek: 1000)
    restored.restore(budget.state)
    #expect(restored.strictness == -1.5)
  }

  @Test func `a gap in the events allows nothing`() {
    var budget = FalseAlarmBudget(perWeek: 7)
    budget.advance(to: 0, events: 0)
    budget.advance(to: 30 * 86_400, events: 0)
    #expect(budget.allowed < 0.1)
    budget.advance(to: 0, events: 0)
    #expect(budget.span == 3600)
  }
}
