import Events
import Glibc

/// What is said of an event beside what the thresholds make of it.
extension StreamDetector {
  /// ln of a p-value that claims no more than the n rows allow which nothing was fitted on: at least 1/(n + 1), as conformal
  /// prediction counts (Vovk, Gammerman & Shafer 2005, section 2.2).
  ///
  /// - Parameter behind: rows among them that the event does not rest on: those that came after it, and itself.
  @inline(__always)
  func claimed(_ logP: Float, of unseen: Int, behind: Int) -> Float {
    logP > -2 ? logP : max(logP, -log1pf(Float(unseen - behind)))
  }

  /// ln of 2p/(1 + p). The few held-out rows of a provisional model gauge its detectors, and then their combination again: such
  /// double use makes p-values up to twice too small (as in Barber, Candès, Ramdas & Tibshirani, Annals of Statistics 2021,
  /// theorem 4).
  @inline(__always)
  func cautious(_ logP: Float) -> Float { logP + 0.6931472 - log1pf(expf(logP)) }

  /// - Parameters:
  ///   - logP: what it was by the thresholds.
  ///   - published: what is said, which claims no more than there are rows for.
  mutating func count(_ logP: Float, _ published: Float) {
    counters.lastLogP = logP
    guard logP <= Levels.logs[5] else { return }
    if published <= Levels.logs[5] { counters.tails[0] += 1 }
    if logP > Levels.logs[9] { return }
    surprise.add(logP, scored: counters.scored)
    if published <= Levels.logs[9] { counters.tails[1] += 1 }
    if published <= Levels.logs[12] { counters.tails[2] += 1 }
    if published <= Levels.logs[15] { counters.tails[3] += 1 }
  }

  /// Follows the figures of an open incident; whether it has lasted long and become a steady state.
  mutating func settles(
    _ figure: Float?, _ row: Span<Float>, _ time: Double, _ contents: StreamModel.Contents
  ) -> Bool {
    if let figure { settling.add(figure) }
    settling.add(row)
    guard let incident = policy.incident, policy.lastsLong(incident, time, settings) else { return false }
    return settling.hasSettled(
      usual: { contents.combinedReading.logP($0) },
      scale: { [columns] column in
        guard let field = columns.firstIndex(of: Int32(column)) else { return nil }
        return (contents.plan.centres[field], 1 / contents.plan.inverses[field])
      })
  }
}
