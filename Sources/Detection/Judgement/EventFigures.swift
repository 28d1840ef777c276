/// How well a threshold finds labelled events, counted by events and never by rows within them.
public struct EventFigures: Sendable, Equatable {
  /// A row alarms when its p-value is at most this.
  public var pValue: Double
  /// Labelled events, and those with an alarm in them.
  public var events: Int
  public var found: Int
  /// Runs of alarms, alarms at most ``join`` rows apart being one, and those that touch no event.
  public var episodes: Int
  public var falseEpisodes: Int
  /// Share of the rows outside events that alarm.
  public var falseRows: Double
  /// Seconds from the begin of each event that was found to its first alarm, in order of the events.
  public var delays: [Double]
  /// Time outside events, seconds.
  public var quietTime: Double

  /// Rows without alarm that do not yet end an episode.
  public static let join = 8

  public var precision: Double { episodes > 0 ? Double(episodes - falseEpisodes) / Double(episodes) : 1 }
  public var recall: Double { events > 0 ? Double(found) / Double(events) : 1 }
  public var f1: Double { precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0 }
  public var falseAlarmsPerWeek: Double { quietTime > 0 ? Double(falseEpisodes) * 604_800 / quietTime : 0 }
  /// Seconds; nil when nothing was found.
  public var medianDelay: Double? {
    delays.isEmpty ? nil : delays.sorted()[delays.count / 2]
  }

  /// - Parameters:
  ///   - labels: per row, in order, whether it belongs to an event.
  ///   - pValues: per row.
  ///   - times: per row, seconds.
  public init(labels: [Bool], pValues: [Double], times: [Double], threshold: Double) {
    precondition(
      labels.count == pValues.count && labels.count == times.count,
      "\(labels.count) labels, \(pValues.count) p-values and \(times.count) times")
    pValue = threshold
    let segments = LabelledEvents.segments(of: labels)
    events = segments.count
    delays = segments.compactMap { segment in
      segment.first { pValues[$0] <= threshold }.map { times[$0] - times[segment.lowerBound] }
    }
    found = delays.count
    (episodes, falseEpisodes) = (0, 0)
    var (quiet, alarms) = (0, 0)
    var last: Int?
    var touches = false
    for row in labels.indices {
      if !labels[row] { quiet += 1 }
      guard pValues[row] <= threshold else { continue }
      if !labels[row] { alarms += 1 }
      if let before = last, row - before <= Self.join {
        touches = touches || labels[row]
      } else {
        if last != nil && !touches { falseEpisodes += 1 }
        episodes += 1
        touches = labels[row]
      }
      last = row
    }
    if last != nil && !touches { falseEpisodes += 1 }
    falseRows = quiet > 0 ? Double(alarms) / Double(quiet) : 0
    let span = times.count > 1 ? max(times[times.count - 1] - times[0], 0) : 0
    quietTime = times.count > 1 ? span * Double(quiet) / Double(times.count) : 0
  }
}
