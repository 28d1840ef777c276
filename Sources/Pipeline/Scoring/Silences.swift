import Control
import Detection
import Events
import Glibc

/// When the events of one stream come: how long its pauses usually are, and when one is too long.
struct Arrivals: Sendable {
  /// Monotonic nanoseconds of the last one.
  private(set) var last: UInt64
  /// The longest pause of late, in seconds; older ones fade.
  private(set) var pause = 0.0

  init(now: UInt64) { last = now }

  /// - Parameter wasSilent: the pause that ends now was too long to tell anything about usual ones.
  mutating func note(_ now: UInt64, wasSilent: Bool) {
    // A batch is taken before the streams that it declares are made.
    let gap = now > last ? Double(now - last) / 1e9 : 0
    last = max(last, now)
    if !wasSilent { pause = max(gap, 0.9 * pause + 0.1 * gap) }
  }

  /// The pause that is usual between two events: the time between them that was learned, or the longest pause of late where
  /// they come in bundles.
  func expected(interval: Double) -> Double { max(interval, pause) }

  /// Seconds without an event when these are too many; else nil.
  func silence(now: UInt64, interval: Double, _ settings: DetectionSettings.Silence) -> Double? {
    guard settings.after > 0, interval > 0, now > last else { return nil }
    let elapsed = Double(now - last) / 1e9
    return elapsed >= max(settings.least, settings.after * expected(interval: interval)) ? elapsed : nil
  }
}

extension ShardState {
  /// Events of a stream have come: a silence is over.
  mutating func heard(_ local: Int, at now: UInt64, time: Double) {
    let wasSilent = streams[local].silence != nil
    streams[local].arrivals.note(now, wasSilent: wasSilent)
    guard wasSilent, var alert = streams[local].silence else { return }
    streams[local].silence = nil
    alert.state = .resolved
    alert.ts = max(time, alert.onset)
    alert.text = "Events come again, after \(Int(alert.ts - alert.onset)) s without."
    around.outbox.add([alert])
  }

  /// Once a second: which streams have fallen silent.
  mutating func lookForSilence() {
    let now = Clocks.monotonic()
    let settings = around.detection.usual.silence
    guard now >= silenceDue else { return }
    silenceDue = now + 1_000_000_000
    // What waits in the queues has not been seen yet.
    guard settings.after > 0, counters.lag < 1_000_000_000 else { return }
    for local in streams.indices where streams[local].silence == nil {
      guard streams[local].detector.phase == .scoring, let model = streams[local].detector.model,
        let elapsed = streams[local].arrivals.silence(now: now, interval: model.interval, settings),
        let last = streams[local].detector.status.lastEvent
      else { continue }
      let usual = streams[local].arrivals.expected(interval: model.interval)
      // As if events came by chance, at the rate at which they usually come.
      let pValue = max(exp(-elapsed / usual), 1e-60)
      let alert = Alert(
        id: streams[local].detector.nextIncidentID(at: last + elapsed), state: .open,
        stream: streams[local].key.name, ts: last + elapsed, onset: last, severity: .major,
        score: 100 * (1 - pValue.squareRoot().squareRoot()), pValue: pValue, features: [], detectors: [:],
        model: Alert.Model(snapshot: model.snapshotName, trainedAt: model.trainedAt), kind: .silence,
        text: "No event for \(Int(elapsed)) s; usually one comes every \(Readable.number(usual)) s.")
      streams[local].silence = alert
      streams[local].changed = true
      saver.hasten(streams: streams.count)
      around.outbox.add([alert])
    }
  }
}
