import ArgumentParser
import Control
import Events
import Foundation

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows the daemon finding real faults, in a recording or, with --live, on this machine now.",
    discussion: """
      Starts the anomalyd beside this program with the packaged config in a temporary folder, gives it a real machine's \
      metrics over ZeroMQ, and prints its alerts beside the faults that are known. Ends by itself: exit code 0 when every \
      fault was found, explained by a metric of its own, and at most one incident came besides.
      """)
  @Flag(help: "This machine, now: ordinary work, then four faults that really happen.") var live = false
  @Option(help: ArgumentHelp("The folder of a recording; default: the packaged one.", valueName: "folder"))
  var recording: String?
  @Option(help: ArgumentHelp("The daemon's config; default: the packaged one.", valueName: "file"))
  var config: String?
  @Option(help: ArgumentHelp("How many times as fast as recorded, once it has learned.", valueName: "factor"))
  var speed: Double = 20
  @Option(help: ArgumentHelp("Rows a second of --live.", valueName: "hz")) var rate: Double = 3
  @Option(help: ArgumentHelp("Ordinary life before the first fault of --live, at least.", valueName: "span"))
  var normal: SpanArgument = SpanArgument(seconds: 120)
  @Flag(help: "Keep the temporary folder with the daemon's state and log.") var keep = false

  func validate() throws {
    guard speed > 0 else { throw ValidationError("--speed must be more than 0") }
    guard (1...50).contains(rate) else { throw ValidationError("--rate must be from 1 to 50") }
  }

  func run() throws {
    Interruption.watch()
    let screen = DemoScreen(style: Output.style)
    let publisher = try EventPublisher("tcp://127.0.0.1:*", .bind, push: false, waits: true)
    let daemon = try LabDaemon(
      config: config,
      overrides: ["ANOMALYD_SOURCES_0_CONNECT": publisher.endpoint, "ANOMALYD_SOURCES_0_BIND": ""])
    defer {
      daemon.stop()
      if keep { screen.note("kept: \(daemon.folder.path)") } else { daemon.removeFolder() }
    }
    let status = try daemon.waitUntilReady()
    screen.note("anomalyd \(status.version), kernel \(status.kernel.name), in \(daemon.folder.path)")
    var show = DemoShow(
      daemon: daemon, screen: screen, feed: try AlertFeed(endpoints: status.endpoints.alerts))
    let faults: [CausedFault]
    if live {
      faults = try show.playLive(to: publisher, rate: rate, normal: normal.seconds)
    } else {
      let folder = try recording ?? LabDaemon.packaged("config/demo")
      faults = try show.play(folder: folder, to: publisher, speed: speed)
    }
    if Interruption.isWanted { throw ExitCode(130) }
    let judge = DemoJudge(faults: faults, statements: try show.statements())
    screen.summary(judge)
    if !judge.isPassed { throw ExitCode(1) }
  }
}

/// The demonstration as it runs: rows out, alerts in.
struct DemoShow: ~Copyable {
  let daemon: LabDaemon
  let screen: DemoScreen
  var feed: AlertFeed
  /// The machine as a stream.
  let stream = "machine"

  init(daemon: LabDaemon, screen: DemoScreen, feed: consuming AlertFeed) {
    self.daemon = daemon
    self.screen = screen
    self.feed = feed
  }

  // MARK: a recording

  mutating func play(folder: String, to publisher: consuming EventPublisher, speed: Double) throws
    -> [CausedFault]
  {
    let file = try MetricFile(path: folder + "/recording.csv.gz")
    let faults = try CausedFault.read(folder + "/faults.csv").sorted { $0.start < $1.start }
    guard let begin = file.timestamps.first, let end = file.timestamps.last,
      let firstFault = faults.first?.start
    else {
      throw Failure(
        .data, what: folder, why: "holds no times or no faults",
        remedy: "make it with anomalylab record-faults")
    }
    screen.title(
      "\(Readable.span(seconds: end - begin)) of a real machine: \(file.fields.count) metrics, \(Readable.count(file.count)) rows, "
        + "\(faults.count) faults that really happened")
    guard try publisher.waitForSubscriber(seconds: 30) else {
      throw Failure(
        .unavailable, what: "anomalyd", why: "does not subscribe to \(publisher.endpoint)",
        remedy: daemon.log())
    }
    var run = RecordingRun(
      file: file, encoder: PublishCommand.encoder(stream, file.fields, .json), topic: stream)
    let beforeFaults = file.timestamps.firstIndex { $0 >= firstFault } ?? file.count
    let learned = try learn(&run, upTo: beforeFaults, to: publisher)
    screen.moment(
      file.timestamps[learned],
      "it has learned what is normal from \(Readable.count(learned)) rows "
        + "(\(Readable.span(seconds: file.timestamps[learned] - begin))) and scores now")
    try playRest(&run, from: learned, faults, to: publisher, speed: speed)
    try settle(after: file.count)
    return faults
  }

  /// Publishes no faster than the daemon learns, until it scores; returns how many rows that took.
  private mutating func learn(
    _ run: inout RecordingRun, upTo end: Int, to publisher: borrowing EventPublisher
  ) throws -> Int {
    var sent = 0
    var shown: Phase?
    let deadline = Deadline(after: 300)
    while !Interruption.isWanted {
      let row = try daemon.stream(stream)
      let phase = row?.phase ?? .collecting
      if phase != shown, sent < run.file.count {
        screen.moment(run.file.timestamps[sent], phase.rawValue)
        shown = phase
      }
      if phase == .scoring { return sent }
      let trainer = try daemon.status().trainer
      let isBusy = phase == .training || trainer.backlog > 0 || trainer.current != nil
      let isBehind = (row?.events ?? 0) < UInt64(sent)
      if !isBusy, !isBehind {
        guard sent < end else {
          throw Failure(
            .data, what: "demo",
            why: "\(sent) normal rows were not enough to learn from; the phase is \(phase.rawValue)",
            remedy: "record more normal life before the first fault")
        }
        sent += try run.publish(sent..<min(sent + 20, end), to: publisher, pace: .unpaced)
      } else if deadline.sleep(atMost: 0.02) {
        throw Failure(
          .unavailable, what: "anomalyd", why: "did not learn within five minutes", remedy: daemon.log())
      }
    }
    return sent
  }

  private mutating func playRest(
    _ run: inout RecordingRun, from first: Int, _ faults: [CausedFault],
    to publisher: borrowing EventPublisher,
    speed: Double
  ) throws {
    let times = run.file.timestamps
    let start = ContinuousClock.now
    var coming = faults.flatMap {
      [(ts: $0.start, name: $0.name, begins: true), (ts: $0.end, name: $0.name, begins: false)]
    }
    for row in first..<times.count where !Interruption.isWanted {
      let due = Deadline(start + .seconds((times[row] - times[first]) / speed))
      repeat { try hear(within: max(0, min(0.1, due.remaining))) } while !due.isOver
      while let next = coming.first, next.ts <= times[row] {
        coming.removeFirst()
        if next.begins { screen.begins(next.name, at: next.ts) } else { screen.ends(next.name, at: next.ts) }
      }
      _ = try run.publish(row..<row + 1, to: publisher, pace: .unpaced)
    }
  }

  /// Prints the alerts that come within this time.
  mutating func hear(within seconds: Double) throws {
    var wait = seconds
    while let alert = try feed.next(within: wait) {
      screen.alert(alert)
      wait = 0
    }
  }

  /// Waits until everything sent was scored and what there is to say was said.
  mutating func settle(after sent: Int) throws {
    let end = Deadline(after: 20)
    while !end.isOver, !Interruption.isWanted, try daemon.stream(stream)?.events ?? 0 < UInt64(sent) {
      try hear(within: 0.1)
    }
    try hear(within: 1)
  }

  /// Every statement of the alert history.
  func statements() throws -> [Alert] {
    guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery(limit: 10_000))) else {
      return []
    }
    return list.alerts
  }
}
