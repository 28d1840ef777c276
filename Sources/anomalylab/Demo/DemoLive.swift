import Control
import Events
import Foundation

/// When the faults of the live demonstration begin: once the daemon scores, and ordinary life lasted long enough.
struct LiveClock {
  /// Seconds of ordinary life at least, and of scoring before the first fault.
  let normal: Double
  let scoring = 20.0
  private var asked = -1.0
  private var last: Phase?
  private var scoringSince: Double?
  /// Seconds after the beginning.
  private(set) var faultsBegan: Double?

  init(normal: Double) { self.normal = normal }

  /// Asks for the phase about once a second; returns it when it is another one than before.
  mutating func phase(elapsed: Double, _ ask: () throws -> Phase?) throws -> Phase? {
    if let since = scoringSince {
      if faultsBegan == nil, elapsed >= max(normal, since + scoring) { faultsBegan = elapsed }
      return nil
    }
    guard elapsed - asked >= 1 else { return nil }
    asked = elapsed
    guard let phase = try ask(), phase != last else { return nil }
    last = phase
    if phase == .scoring { scoringSince = elapsed }
    return phase
  }
}

extension DemoShow {
  /// Records and publishes this machine while ordinary work goes on and, once it is learned, faults really happen.
  mutating func playLive(to publisher: consuming EventPublisher, rate: Double, normal: Double) throws
    -> [CausedFault]
  {
    let plan = FaultPlan(causes: Cause.faults, normal: 0, fault: 16, quiet: 30)
    let longest = 420.0 + plan.length
    var recorder = MachineRecorder(rate: rate)
    let encoder = PublishCommand.encoder(stream, recorder.fields, .json)
    screen.title(
      "this machine, now: \(recorder.fields.count) metrics, \(Readable.number(rate)) rows a second; ordinary life for about "
        + "\(Readable.span(seconds: normal)), then \(plan.entries.count) faults, "
        + "\(Readable.span(seconds: plan.length)) in all")
    guard try publisher.waitForSubscriber(seconds: 30) else {
      throw Failure(
        .unavailable, what: "anomalyd", why: "does not subscribe to \(publisher.endpoint)",
        remedy: daemon.log())
    }
    let runner = try FaultRunner(plan: plan, longest: longest)
    defer { runner.stop() }
    let start = ContinuousClock.now
    var clock = LiveClock(normal: normal)
    var shown: Cause?
    var sequence: UInt64 = 0
    try recorder.run(until: Deadline(after: longest)) { row in
      sequence += 1
      let event = OutgoingEvent(timestamp: row.timestamp, sequence: sequence, values: row.values[...])
      try publisher.send(topic: stream, payload: encoder.payload([event]), waits: false)
      try hear(within: 0)
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      if let phase = try clock.phase(elapsed: elapsed, { try daemon.stream(stream)?.phase }) {
        screen.moment(
          row.timestamp, phase == .scoring ? "it has learned what is normal and scores now" : phase.rawValue)
      }
      guard let since = clock.faultsBegan else {
        if elapsed > 420 {
          throw Failure(
            .unavailable, what: "anomalyd", why: "did not learn within seven minutes", remedy: daemon.log())
        }
        return true
      }
      try runner.advance(elapsed: elapsed - since, now: row.timestamp)
      if runner.current != shown {
        if let shown { screen.ends(shown.rawValue, at: row.timestamp) }
        shown = runner.current
        if let shown { screen.begins(shown.rawValue, at: row.timestamp) }
      }
      return elapsed - since < plan.length
    }
    runner.stop()
    try settle(after: Int(sequence))
    return runner.caused
  }
}
