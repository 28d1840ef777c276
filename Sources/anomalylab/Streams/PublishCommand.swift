import ArgumentParser
import Control
import Foundation
import Messaging

struct PublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Publishes a recording, row by row, over ZeroMQ.",
    discussion: """
      Columns ts, label and split are not published as metrics. Each message has two frames, the topic and the payload. It \
      begins when somebody subscribes, and loses nothing.
      """)
  @Option(help: ArgumentHelp("A CSV file with a header, plain or .gz.", valueName: "file")) var data: String
  @Option(help: "Where to publish: tcp://HOST:PORT or ipc://PATH.") var endpoint: String
  @Option(help: "The stream's name; default: the file's.") var stream: String?
  @Option(help: "The topic; default: the stream's name.") var topic: String?
  @Option(help: "Payloads: json, array, msgpack, line or f32.") var format: EventFormat = .json
  @Option(help: "Rows per message.") var batch: Int = 1
  @Option(help: ArgumentHelp("Rows a second; default: as fast as they are taken.", valueName: "hz")) var rate:
    Double?
  @Option(help: ArgumentHelp("As it was recorded, this many times as fast.", valueName: "factor")) var speed:
    Double?
  @Flag(help: "Shift the times so that the first row happens now.") var now = false
  @Option(help: ArgumentHelp("How long to wait for a subscriber.", valueName: "span"))
  var wait: SpanArgument = SpanArgument(seconds: 30)
  @OptionGroup var attachment: PublisherOptions

  func validate() throws {
    if rate != nil && speed != nil { throw ValidationError("--rate and --speed cannot both hold") }
    if let rate, !(rate > 0) { throw ValidationError("--rate must be more than 0") }
    if let speed, !(speed > 0) { throw ValidationError("--speed must be more than 0") }
    guard (1...65536).contains(batch) else { throw ValidationError("--batch must be from 1 to 65536") }
  }

  func run() throws {
    Interruption.watch()
    let file = try MetricFile(path: data)
    if speed != nil, file.timestamps.isEmpty {
      throw Failure(
        .data, what: data, why: "has no column ts, so --speed means nothing", remedy: "use --rate")
    }
    let name = stream ?? Self.name(of: data)
    var publisher = try EventPublisher(endpoint, attachment.attachment, push: attachment.push, waits: true)
    guard try publisher.waitForSubscriber(seconds: wait.seconds) else {
      throw Failure(
        .unavailable, what: publisher.endpoint,
        why: "nobody subscribed within \(Readable.span(seconds: wait.seconds))",
        remedy: "start the daemon, or raise --wait")
    }
    let start = Date().timeIntervalSince1970
    var run = RecordingRun(file: file, encoder: Self.encoder(name, file.fields, format), topic: topic ?? name)
    run.batch = batch
    run.shift = now ? start - (file.timestamps.first ?? start) : 0
    let sent = try run.publish(0..<file.count, to: publisher, pace: pace)
    let seconds = Date().timeIntervalSince1970 - start
    Output.line("published \(Readable.count(sent)) rows of \(name) in \(Readable.span(seconds: seconds))")
  }

  private var pace: RecordingRun.Pace {
    if let rate { return .rate(rate) }
    return speed.map { .speed($0) } ?? .unpaced
  }

  static func encoder(_ stream: String, _ fields: [String], _ format: EventFormat) -> EventEncoder {
    EventEncoder(
      stream: stream, fields: fields, format: format,
      epoch: String(UInt32.random(in: .min ... .max), radix: 16))
  }

  /// `a/b/recording.csv.gz` is the stream `recording`.
  static func name(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.split(separator: ".").first.map(String.init) ?? file
  }
}

/// A recording on its way out, in order.
struct RecordingRun {
  enum Pace {
    case unpaced
    /// Rows a second.
    case rate(Double)
    /// The recording's own time, this many times as fast.
    case speed(Double)
  }

  let file: MetricFile
  let encoder: EventEncoder
  let topic: String
  var batch = 1
  /// Added to every timestamp.
  var shift = 0.0

  init(file: MetricFile, encoder: EventEncoder, topic: String) {
    self.file = file
    self.encoder = encoder
    self.topic = topic
  }

  /// Publishes these rows; returns how many, which are fewer only when interrupted.
  mutating func publish(_ rows: Range<Int>, to publisher: borrowing EventPublisher, pace: Pace) throws -> Int
  {
    let start = ContinuousClock.now
    var row = rows.lowerBound
    while row < rows.upperBound, !Interruption.isWanted {
      let next = min(row + batch, rows.upperBound)
      if let due = due(next - 1, from: rows.lowerBound, pace) {
        let deadline = Deadline(start + .seconds(due))
        while !Interruption.isWanted, !deadline.sleep(atMost: 0.2) {}
      }
      let events = (row..<next).map { index in
        OutgoingEvent(
          timestamp: file.timestamps.isEmpty ? Date().timeIntervalSince1970 : file.timestamps[index] + shift,
          sequence: UInt64(index) + 1, values: file.row(index))
      }
      try publisher.send(topic: topic, payload: encoder.payload(events), waits: true)
      row = next
    }
    return row - rows.lowerBound
  }

  /// When a row is due, in seconds after the first.
  private func due(_ row: Int, from first: Int, _ pace: Pace) -> Double? {
    switch pace {
    case .unpaced: nil
    case .rate(let rate): Double(row - first) / rate
    case .speed(let speed): (file.timestamps[row] - file.timestamps[first]) / speed
    }
  }
}
