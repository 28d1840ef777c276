import Glibc

/// The score of the Numenta Anomaly Benchmark over several recordings with one threshold for all of them: Lavin & Ahmad, ICMLA
/// 2015 (arXiv:1510.03336), §III.
///
/// Of the rows of a window that reach the threshold the earliest counts, the more the earlier it is, by the sigmoid
/// σ(y) = 2 / (1 + e^(5y)) − 1 of its place y, −1 at the window's begin and 0 at its end; a window without one costs the weight of
/// a miss; every row outside windows costs by how far it lies behind the last window (in lengths of that), or all when there
/// is none. The first rows, see ``probation(rows:)``, count neither way. The sum is brought to 0 for a detector that says
/// nothing and 100 for one that finds every window at its first row and nothing else.
public struct NABScore: Sendable, Equatable {
  /// What hits, false alarms and misses weigh.
  public struct Profile: Sendable, Equatable {
    public var name: String
    public var hit: Double
    public var falseAlarm: Double
    public var miss: Double
    public static let standard = Profile(name: "standard", hit: 1, falseAlarm: 0.11, miss: 1)
    public static let fewFalseAlarms = Profile(name: "reward low FP", hit: 1, falseAlarm: 0.22, miss: 1)
    public static let fewMisses = Profile(name: "reward low FN", hit: 1, falseAlarm: 0.11, miss: 2)
    public static let all = [standard, fewFalseAlarms, fewMisses]
  }

  /// One recording: per row its label and score, in order; windows are the runs of labelled rows.
  public struct Recording: Sendable, Equatable {
    public var labels: [Bool]
    public var scores: [Double]
    public init(labels: [Bool], scores: [Double]) {
      precondition(labels.count == scores.count, "\(labels.count) labels for \(scores.count) scores")
      self.labels = labels
      self.scores = scores
    }
  }

  /// What became of one recording at the best threshold.
  public struct Part: Sendable, Equatable {
    public var windows = 0
    public var found = 0
    /// Rows outside windows that reach the threshold.
    public var falseRows = 0
  }

  /// At most 100; NaN without a window.
  public let score: Double
  /// The threshold that gives it, the same for all recordings; infinite when it is best to say nothing.
  public let threshold: Double
  public let parts: [Part]

  /// Rows at the begin that do not count: 15 %, at most 750.
  public static func probation(rows: Int) -> Int { min(Int(0.15 * Double(rows)), 750) }

  public init(_ recordings: [Recording], profile: Profile = .standard) {
    var rows: [Row] = []
    var windows = 0
    var counts: [Int] = []
    for (index, recording) in recordings.enumerated() {
      let count = Self.append(recording, index, firstWindow: windows, profile, to: &rows)
      counts.append(count)
      windows += count
    }
    rows.sort { $0.score > $1.score }
    // From the highest threshold down: each row adds what it is worth, a window that of its best row so far.
    var worth = [Double](repeating: -profile.miss, count: windows)
    let nothing = -profile.miss * Double(windows)
    var sum = nothing
    var best = (sum: sum, threshold: Double.infinity)
    for (place, row) in rows.enumerated() {
      if let window = row.window {
        sum += max(0, row.worth - worth[window])
        worth[window] = max(worth[window], row.worth)
      } else {
        sum += row.worth
      }
      let isLast = place + 1 == rows.count || rows[place + 1].score != row.score
      if isLast && sum > best.sum { best = (sum, row.score) }
    }
    score = 100 * (best.sum - nothing) / ((profile.hit + profile.miss) * Double(windows))
    threshold = best.threshold
    var parts = counts.map { Part(windows: $0) }
    var isFound = [Bool](repeating: false, count: windows)
    for row in rows where row.score >= best.threshold {
      if let window = row.window {
        if !isFound[window] { parts[row.recording].found += 1 }
        isFound[window] = true
      } else {
        parts[row.recording].falseRows += 1
      }
    }
    self.parts = parts
  }

  private struct Row {
    var score: Double
    var worth: Double
    /// nil outside windows.
    var window: Int?
    var recording: Int
  }

  /// Adds the rows of a recording that count. Returns its windows.
  private static func append(
    _ recording: Recording, _ index: Int, firstWindow: Int, _ profile: Profile, to rows: inout [Row]
  ) -> Int {
    let windows = LabelledEvents.segments(of: recording.labels)
    let first = probation(rows: recording.labels.count)
    func add(_ row: Int, _ worth: Double, _ window: Int?) {
      if row < first { return }
      rows.append(Row(score: recording.scores[row], worth: worth, window: window, recording: index))
    }
    var next = 0
    for (place, window) in windows.enumerated() {
      for row in next..<window.lowerBound {
        add(row, profile.falseAlarm * outside(row, after: place > 0 ? windows[place - 1] : nil), nil)
      }
      for row in window {
        let position = -Double(window.upperBound - row + 1) / Double(window.count)
        add(row, profile.hit * sigmoid(position) / sigmoid(-1), firstWindow + place)
      }
      next = window.upperBound + 1
    }
    for row in next..<recording.labels.count {
      add(row, profile.falseAlarm * outside(row, after: windows.last), nil)
    }
    return windows.count
  }

  /// −1…0: what a false alarm is worth, the less the nearer it follows a window.
  private static func outside(_ row: Int, after window: ClosedRange<Int>?) -> Double {
    guard let window else { return -1 }
    return sigmoid(Double(row - window.upperBound) / Double(max(window.count - 1, 1)))
  }

  static func sigmoid(_ position: Double) -> Double {
    position > 3 ? -1 : 2 / (1 + exp(5 * position)) - 1
  }
}
