import Detection
import Foundation
import Testing

struct FalseAlarmBudgetTests {
  /// Hours of a fleet whose tails are heavier than its p-values say: at strictness s an incident comes by chance at
  /// `rate · exp(-s / dishonesty)` an hour.
  private func live(_ budget: inout FalseAlarmBudget, weeks: Double, rate: Double, dishonesty: Float) -> Int {
    var debt = 0.0
    var count = 0
    for hour in 0..<Int(weeks * 168) {
      budget.advance(to: Double(hour) * 3600, events: UInt64(hour) * 60_000)
      debt += rate * Double(exp(-budget.strictness / dishonesty))
      while debt >= 1 {
        debt -= 1
        count += 1
        budget.countIncident()
      }
    }
    return count
  }

  @Test("in the long run there are as many incidents as the budget says", arguments: [1, 3, 6] as [Float])
  func kept(dishonesty: Float) {
    var budget = FalseAlarmBudget(perWeek: 2)
    _ = live(&budget, weeks: 10, rate: 20, dishonesty: dishonesty)
    let (before, allowed) = (budget.incidents, budget.allowed)
    var later = budget
    var debt = 0.0
    for hour in 0..<168 * 52 {
      later.advance(to: (1680 + Double(hour)) * 3600, events: 0)
      debt += 20 * Double(exp(-later.strictness / dishonesty))
      if debt >= 1 {
        debt -= 1
        later.countIncident()
      }
    }
    let measured = Double(later.incidents - before) / (later.allowed - allowed)
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

  @Test func `a gap in the events allows nothing`() {
    var budget = FalseAlarmBudget(perWeek: 7)
    budget.advance(to: 0, events: 0)
    budget.advance(to: 30 * 86_400, events: 0)
    #expect(budget.allowed < 0.1)
    budget.advance(to: 0, events: 0)
    #expect(budget.span == 3600)
  }
}
