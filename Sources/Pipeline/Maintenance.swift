public import Wire

/// Times in which what is odd was to be expected: nothing is said of them, and nothing is learned from them.
public struct MaintenanceWindow: Sendable, Equatable {
  /// Streams that it is about.
  public var streams: Globs
  /// Event times, in order of their begin.
  public private(set) var times: [ClosedRange<Double>]
  /// For each of `times` the latest end of it and all before it: where the search may stop.
  private var ends: [Double]

  public init(streams: Globs, times: [ClosedRange<Double>]) {
    self.streams = streams
    self.times = times.sorted { $0.lowerBound < $1.lowerBound }
    var latest = -Double.infinity
    ends = self.times.map { time in
      latest = max(latest, time.upperBound)
      return latest
    }
  }

  /// Whether a moment lies in one of its times.
  public func covers(_ time: Double) -> Bool {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if times[middle].lowerBound <= time { low = middle + 1 } else { high = middle }
    }
    // The last that has begun; those before it may end later.
    var index = low - 1
    while index >= 0, ends[index] >= time {
      if times[index].upperBound >= time { return true }
      index -= 1
    }
    return false
  }
}

extension [MaintenanceWindow] {
  func covers(_ stream: String, at time: Double) -> Bool {
    contains { $0.covers(time) && $0.streams.matches(stream) }
  }
}
