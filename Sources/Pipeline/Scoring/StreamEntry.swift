import Archive
import Detection
import Events

/// One stream on its shard: its detector, and the history of its rows on disk.
struct StreamEntry {
  let key: StreamKey
  var detector: StreamDetector
  var history: RowHistory
  /// Column of the detector for each field that ingest declared, in that order; after a restart fields may come in
  /// another order than before.
  private(set) var columns: [Int] = []
  /// Whether ``columns`` is 0, 1, 2, …: the usual case, in which a row is copied as it is.
  private(set) var isIdentity = true

  /// Whether anything happened since the state was last saved.
  var changed = false
  /// Monotonic nanoseconds and number of events at the last look, and the rate up to it.
  private var rateMark: (at: UInt64, events: UInt64)
  private var lastRate = 0.0
  var maxScore = 0.0
  /// Whether the model was learned from several streams together.
  var isPooled: Bool { detector.model?.sharedWeightsName != nil }

  var arrivals: Arrivals
  /// Said when it fell silent; nil while events come.
  var silence: Alert?

  init(key: StreamKey, detector: StreamDetector, history: RowHistory, silence: Alert? = nil) {
    arrivals = Arrivals(now: Clocks.monotonic())
    self.silence = silence
    self.key = key
    self.detector = detector
    self.history = history
    rateMark = (Clocks.monotonic(), detector.status.events)
  }

  /// Events a second between the last two looks that were at least two seconds apart.
  mutating func rate(now: UInt64) -> Double {
    guard now > rateMark.at + 2_000_000_000 else { return lastRate }
    let events = detector.status.events
    lastRate = Double(events &- rateMark.events) / (Double(now - rateMark.at) * 1e-9)
    rateMark = (now, events)
    return lastRate
  }

  /// Takes a field that ingest declared; whether it is new to the detector.
  mutating func declareField(_ name: String) -> Bool {
    if let column = detector.fields.firstIndex(of: name) {
      isIdentity = isIdentity && column == columns.count
      columns.append(column)
      return false
    }
    let column = detector.addField(name)
    isIdentity = isIdentity && column == columns.count
    columns.append(column)
    return true
  }

  /// Names that identify which streams may share a model.
  var signature: UInt64 { detector.fields.reduce(0xcbf2_9ce4_8422_2325) { Self.hash($1, from: $0) } }

  /// FNV-1a of a text and its end.
  static func hash(_ text: String, from start: UInt64) -> UInt64 {
    var hash = start
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (hash ^ 0xff) &* 0x100_0000_01b3
  }
}
