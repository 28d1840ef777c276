import Events

/// When an incident opens, is worth another word, and ends: a state machine over the scores of one stream.
struct AlertPolicy: Sendable {
  /// What an event leads to.
  enum Step: Sendable, Equatable {
    case nothing, open, update, resolve
    /// Worth another word if other features than before stand out by now.
    case look
    /// It has lasted long and is a steady state: taken as normal from now on.
    case accept
  }

  /// The scores that open an incident: those of the settings, or stricter ones where a budget wants it.
  struct Opening: Sendable, Equatable {
    var open: Float
    var atOnce: Float
    var half: Float

    init(_ alerts: DetectionSettings.Alerts, strictness: Float = 0) {
      func stricter(_ score: Double) -> Float {
        strictness == 0 ? Float(score) : Float(FalseAlarmBudget.stricter(score, by: strictness))
      }
      open = stricter(alerts.open)
      atOnce = stricter(alerts.openAtOnce)
      // Many events a little odd are no chance whatever the budget leaves.
      half = max(stricter((alerts.close + alerts.open) / 2), Float((alerts.close + alerts.open) / 2))
    }
  }

  /// Events above the closing score that noise may bring in one incident; more of them are a fault. While p-values rest on
  /// little, it takes more to be sure.
  ///
  /// - Parameter support: independent scores that the p-values rest on.
  static func chance(support: Float) -> Int { 24 + Int(400 / (1 + support / 50)) }

  /// Events of an incident between two looks at what stands out, at first; twice as many from each doubling of its length on,
  /// from 64 events: a look costs as much as hundreds of events, and what has lasted long changes seldom.
  static let lookEvery = 8

  /// Whether it is time for a look.
  static func isLookDue(_ events: Int) -> Bool {
    let doublings = max(0, events.bitWidth - events.leadingZeroBitCount - 6)
    return events & (lookEvery << doublings - 1) == 0
  }

  /// Of the last 32 events, this many half way up open an incident too.
  static let persistent = 24

  private(set) var incident: Incident? { didSet { isOpen = incident != nil } }
  /// Whether there is an incident: asked for every event, where looking at all of it would cost.
  private(set) var isOpen = false
  /// One bit per recent event, newest lowest: at or above the opening score.
  private(set) var recent: UInt32 = 0
  /// The same for half way between the closing and the opening score.
  private(set) var recentHalf: UInt32 = 0
  /// Events since the first of the present run of scores above the closing score; one calm event does not end a run.
  private(set) var run = 0
  private(set) var runStart = 0.0
  private(set) var lastWasCalm = true
  /// Event times at which the latest incidents ended, oldest first.
  private(set) var ends: [Double] = []

  /// Takes one scored event.
  ///
  /// - Parameters:
  ///   - logP: natural logarithm of its p-value.
  ///   - support: independent scores that the p-value rests on.
  ///   - mayOpen: false while nothing may be said.
  ///   - opening: from the settings, and how strict a budget is.
  ///   - hasSettled: what was strange is a steady state by now; see ``Settling``.
  mutating func step(
    score: Float, logP: Float, time: Double, support: Float, mayOpen: Bool, opening: Opening,
    hasSettled: Bool = false, settings: DetectionSettings
  ) -> Step {
    let alerts = settings.alerts
    let isLoud = score >= Float(alerts.close)
    let isHigh = score >= opening.open
    if isLoud {
      // Events may come out of order, and clocks be set back.
      if run == 0 || time < runStart { runStart = time }
      run += 1
    } else if lastWasCalm {
      run = 0
    } else {
      run += 1
    }
    lastWasCalm = !isLoud
    recent = recent << 1 | (isHigh ? 1 : 0)
    recentHalf = recentHalf << 1 | (score >= opening.half ? 1 : 0)
    if isOpen { return proceed(isLoud, isHigh, score, logP, time, support, hasSettled, settings) }
    guard isLoud, mayOpen else { return .nothing }
    let window = recent & (alerts.openWithin >= 32 ? .max : (1 << UInt32(alerts.openWithin)) - 1)
    let isOpening =
      isHigh && (window.nonzeroBitCount >= alerts.openAfter || score >= opening.atOnce)
      // Less odd, but for so long that chance does not do it.
      || recentHalf.nonzeroBitCount >= Self.persistent
    guard isOpening, time - runStart >= alerts.lasting else { return .nothing }
    let isCooling = ends.last.map { time >= $0 && time - $0 < alerts.cooldown } ?? false
    return isCooling && score < opening.atOnce ? .nothing : .open
  }

  /// Takes an event that came late while no incident is open: what it would have been counted as, `behind` events ago.
  mutating func stepLate(
    score: Float, behind: Int, time: Double, mayOpen: Bool, opening: Opening, settings: DetectionSettings
  ) -> Step {
    let alerts = settings.alerts
    let isHigh = score >= opening.open
    recent = Self.putting(isHigh, into: recent, at: behind)
    recentHalf = Self.putting(score >= opening.half, into: recentHalf, at: behind)
    guard isHigh, mayOpen, !isOpen, time - min(runStart, time) >= alerts.lasting else { return .nothing }
    let window = recent & (alerts.openWithin >= 32 ? .max : (1 << UInt32(alerts.openWithin)) - 1)
    let isOpening = behind < alerts.openWithin && window.nonzeroBitCount >= alerts.openAfter
    let isCooling = ends.last.map { time >= $0 && time - $0 < alerts.cooldown } ?? false
    return score >= opening.atOnce || isOpening && !isCooling ? .open : .nothing
  }

  private static func putting(_ bit: Bool, into bits: UInt32, at place: Int) -> UInt32 {
    guard place < 32 else { return bits }
    let newer = (1 << UInt32(place)) - 1 as UInt32
    return (bits & ~newer) << 1 | (bit ? 1 << UInt32(place) : 0) | bits & newer
  }

  /// How many incidents before one that opens now it is one with: 0, unless there were enough of them.
  func flaps(at time: Double, _ alerts: DetectionSettings.Alerts) -> Int {
    let before = ends.count { time - $0 <= alerts.flapWithin }
    return alerts.flapAfter > 0 && before + 1 >= alerts.flapAfter ? before : 0
  }

  private mutating func proceed(
    _ isLoud: Bool, _ isHigh: Bool, _ score: Float, _ logP: Float, _ time: Double, _ support: Float,
    _ hasSettled: Bool, _ settings: DetectionSettings
  ) -> Step {
    guard var now = incident else { return .nothing }
    defer { incident = now }
    now.events += 1
    var isBack = false
    if isHigh {
      isBack = now.flaps > 0 && now.calm >= settings.alerts.closeAfter
      if isBack { now.flaps += 1 }
    }
    if isHigh || now.lastHigh == nil { now.lastHigh = time }
    if isLoud {
      now.loud += 1
      if score >= Float(settings.alerts.openAtOnce) { now.extreme += 1 }
      // Every third event above the closing score keeps it open; single ones only put the end off.
      now.calm = isHigh ? 0 : max(0, now.calm - 2)
      now.isConfirmed = now.isConfirmed || now.loud > Self.chance(support: support)
    } else {
      now.calm += 1
      let hold = now.flaps > 0 ? settings.alerts.flapWithin : settings.alerts.keepFiring
      let since = time - (now.lastHigh ?? time)
      if now.calm >= settings.alerts.closeAfter, since >= hold || since < 0 { return .resolve }
    }
    if hasSettled && lastsLong(now, time, settings) { return .accept }
    now.severity = max(now.severity, Self.severity(score: score, duration: time - now.onset, loud: now.loud))
    if isBack { return .update }
    // A word when it got worse, much stranger (p a thousandfold smaller), or simply goes on.
    let since = now.events - now.eventsWhenSaid
    let isStranger = logP < now.logPWhenSaid - 6.9 && since >= 5
    if isLoud && (now.severity > now.severityWhenSaid || isStranger) || since >= settings.alerts.updateEvery {
      return .update
    }
    return isHigh && Self.isLookDue(now.events) ? .look : .nothing
  }

  /// By how strange an event is, one step higher for what has lasted five minutes and 20 events.
  static func severity(score: Float, duration: Double, loud: Int) -> Alert.Severity {
    let all = Alert.Severity.allCases
    let strangeness = score < 98 ? 0 : score < 99.7 ? 1 : 2
    let persistence = duration >= 300 && loud >= 20 ? 1 : 0
    return all[min(strangeness + persistence, all.count - 1)]
  }

  /// Whether an incident may be the new normal.
  func lastsLong(_ incident: Incident, _ time: Double, _ settings: DetectionSettings) -> Bool {
    settings.newNormal > 0 && time - incident.onset >= settings.newNormal
  }

  /// The same with no incident open.
  var withoutIncident: AlertPolicy {
    var other = self
    other.incident = nil
    return other
  }

  /// Whether the next event means the same to both.
  func agrees(with other: AlertPolicy) -> Bool {
    recent == other.recent && recentHalf == other.recentHalf && run == other.run
      && (run == 0 || runStart == other.runStart) && lastWasCalm == other.lastWasCalm
  }

  mutating func begin(_ incident: Incident) { self.incident = incident }
  mutating func change(_ body: (inout Incident) -> Void) {
    guard var now = incident else { return }
    body(&now)
    incident = now
  }

  /// The incident is over; what comes counts anew.
  ///
  /// - Parameter time: of the event that ended it; nil when none did.
  mutating func end(at time: Double? = nil) {
    incident = nil
    if let time { ends = ends.suffix(15) + [time] }
    recent = 0
    recentHalf = 0
    run = 0
    lastWasCalm = true
  }

  mutating func restore(
    recent: UInt32, recentHalf: UInt32, run: Int, runStart: Double, lastWasCalm: Bool, incident: Incident?,
    ends: [Double]
  ) {
    self.recent = recent
    self.recentHalf = recentHalf
    self.run = run
    self.runStart = runStart
    self.lastWasCalm = lastWasCalm
    self.incident = incident
    self.ends = ends.suffix(16)
  }
}
