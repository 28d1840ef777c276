import Detection
import Events

/// Scores of consecutive events of one stream, on their way to `score/<stream>`.
struct ScoreRun: Sendable {
  var stream: StreamKey
  var timestamps: [Double]
  var scores: [Float]
  var pValues: [Double]
  var confidences: [Float]
}

/// What waits for the publisher thread. Bounded: alerts make the shard wait (they are few and never dropped), score
/// messages beyond the bound are dropped and counted.
final class Outbox: Sendable {
  struct Taken {
    var alerts: [Alert] = []
    var scores: [ScoreRun] = []
    /// The daemon's own figures, as a message.
    var figures: [UInt8]?
    var isClosed = false
  }

  struct Counters: Sendable {
    var waiting = 0
    var peak = 0
    var droppedScores: UInt64 = 0
  }

  private struct Contents {
    var alerts: [Alert] = []
    var scores: [ScoreRun] = []
    var scoresWaiting = 0
    var figures: [UInt8]?
    var counters = Counters()
    var isClosed = false
  }

  /// Statements that may wait before a shard does.
  static let alertCapacity = 4096

  let scoreCapacity: Int
  private let condition = Condition()
  private let contents = Guarded(Contents())

  init(scoreCapacity: Int) { self.scoreCapacity = scoreCapacity }

  func add(_ alerts: [Alert]) {
    condition.locked {
      while contents.value.alerts.count >= Self.alertCapacity && !contents.value.isClosed {
        _ = condition.wait(until: .max)
      }
      contents.value.alerts.append(contentsOf: alerts)
      note()
      condition.signal()
    }
  }

  func add(_ run: ScoreRun) {
    condition.locked {
      guard contents.value.scoresWaiting + run.scores.count <= scoreCapacity else {
        contents.value.counters.droppedScores += UInt64(run.scores.count)
        return
      }
      contents.value.scores.append(run)
      contents.value.scoresWaiting += run.scores.count
      note()
      condition.signal()
    }
  }

  /// Figures that still wait are replaced: the newest count.
  func add(figures: [UInt8]) {
    condition.locked {
      contents.value.figures = figures
      condition.signal()
    }
  }

  /// Waits for something to publish; an empty answer means that the deadline passed.
  func take(until deadline: UInt64) -> Taken {
    condition.locked {
      while contents.value.alerts.isEmpty && contents.value.scores.isEmpty && contents.value.figures == nil
        && !contents.value.isClosed
      {
        if !condition.wait(until: deadline) { break }
      }
      var taken = Taken()
      swap(&taken.alerts, &contents.value.alerts)
      swap(&taken.scores, &contents.value.scores)
      swap(&taken.figures, &contents.value.figures)
      contents.value.scoresWaiting = 0
      contents.value.counters.waiting = 0
      taken.isClosed = contents.value.isClosed
      condition.signal()
      return taken
    }
  }

  /// Nothing will be added any more.
  func close() {
    condition.locked {
      contents.value.isClosed = true
      condition.signal()
    }
  }

  var counters: Counters { condition.locked { contents.value.counters } }

  /// While locked.
  private func note() {
    contents.value.counters.waiting = contents.value.alerts.count + contents.value.scoresWaiting
    contents.value.counters.peak = max(contents.value.counters.peak, contents.value.counters.waiting)
  }
}

/// A variable that is touched only while its owner's ``Condition`` is locked.
final class Guarded<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
}
