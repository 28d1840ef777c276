import Control
import Foundation
import Networks

/// Shows a training run: a bar that moves on a terminal, one JSON line per report elsewhere.
struct TrainingScreen {
  let isTerminal: Bool
  /// Characters of the bar.
  var width = 24

  init(isTerminal: Bool = isatty(STDOUT_FILENO) == 1) { self.isTerminal = isTerminal }

  /// The observer to give to a training run.
  func show(_ progress: TrainingProgress) { Output.write(text(progress)) }

  func text(_ progress: TrainingProgress) -> String {
    guard isTerminal else { return json(progress) + "\n" }
    // The line is written over itself until the run ends.
    return "\r\u{1b}[K" + line(progress) + (progress.end == nil ? "" : "\n")
  }

  private func json(_ progress: TrainingProgress) -> String { (try? JSONLine.text(progress)) ?? "{}" }

  private func line(_ progress: TrainingProgress) -> String {
    let share = Double(progress.step) / Double(max(progress.steps, 1))
    let full = Int((min(max(share, 0), 1) * Double(width)).rounded(.down))
    var parts = [
      String(repeating: "█", count: full) + String(repeating: "░", count: width - full),
      "step \(progress.step)/\(progress.steps)", "pass \(progress.epoch + 1)",
      "loss \(Readable.number(Double(progress.loss)))",
    ]
    if let heldOut = progress.heldOutLoss {
      parts.append("held out \(Readable.number(Double(heldOut)))")
    }
    parts.append("\(Readable.number(progress.rowsPerSecond)) rows/s")
    if progress.end == nil, progress.step > 0 {
      let left = progress.seconds * Double(progress.steps - progress.step) / Double(progress.step)
      parts.append("\(Readable.span(seconds: left)) left")
    }
    if let end = progress.end {
      parts.append("\(end.rawValue) after \(Readable.span(seconds: progress.seconds))")
    }
    return parts.joined(separator: "  ")
  }
}
