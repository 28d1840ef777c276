import ArgumentParser
import Control
import Foundation
import Messaging

struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "This machine's own metrics, to a file, to ZeroMQ, or both.",
    discussion: """
      Processor, memory, load, disks, network and switches from /proc: levels as they are, counters as rates over the last second. \
      Without --out and --endpoint, rows go to standard output. Ends with --duration or Ctrl-C.
      """)
  @Option(help: ArgumentHelp("Rows a second.", valueName: "hz")) var rate: Double = 1
  @Option(help: ArgumentHelp("For how long.", valueName: "span")) var duration: SpanArgument?
  @Option(help: ArgumentHelp("A .csv or .csv.gz file.", valueName: "file")) var out: String?
  @Option(help: "Where to publish: tcp://HOST:PORT or ipc://PATH.") var endpoint: String?
  @Option(help: "The stream's name when published; default: this machine's.") var stream: String?
  @Option(help: "Payloads: json, array, msgpack, line or f32.") var format: EventFormat = .json
  @Flag(help: "Print what each column is, and end.") var columns = false
  @OptionGroup var attachment: PublisherOptions

  func validate() throws {
    guard rate >= 0.01, rate <= 100 else { throw ValidationError("--rate must be from 0.01 to 100") }
  }

  func run() throws {
    if columns { return printColumns() }
    Interruption.watch()
    var recorder = MachineRecorder(rate: rate)
    let fields = recorder.fields
    let file = try out.map { try LineFile(path: $0) }
    defer { file?.close() }
    let isPrinted = out == nil && endpoint == nil
    let header = "ts," + fields.joined(separator: ",")
    try file?.write(header)
    if isPrinted { Output.line(header) }
    var published: LivePublisher?
    if let endpoint {
      published = try LivePublisher(
        stream: stream ?? ProcessInfo.processInfo.hostName, fields: fields, format: format,
        endpoint: endpoint,
        attachment: attachment)
      FileHandle.standardError.write(Data("anomalylab: publishing \(published?.description ?? "")\n".utf8))
    }
    try recorder.run(until: duration.map { Deadline(after: $0.seconds) }) { row in
      let line = row.csv
      try file?.write(line)
      if isPrinted { Output.line(line) }
      try published?.send(row)
      return true
    }
  }

  private func printColumns() {
    var table = TextTable([.init("column"), .init("unit"), .init("what it is")])
    for column in MachineMetrics().columns {
      table.append([.init(column.name), .init(column.unit), .init(column.meaning)])
    }
    Output.write(table.rendered(Output.style))
  }
}

/// One row of this machine's metrics.
struct MachineRow {
  /// Seconds since 1970.
  let timestamp: Double
  let values: [Double]

  /// `ts,value,…`; empty where a value is missing.
  var csv: String { ([timestamp] + values).map { Self.cell($0) }.joined(separator: ",") }

  /// Six significant digits are more than any of these metrics has.
  static func cell(_ value: Double) -> String {
    guard value.isFinite else { return "" }
    if abs(value) >= 1e6 { return String(format: "%.3f", value) }
    return String(format: "%.6g", value)
  }
}

/// Reads this machine's metrics at a steady cadence: by absolute deadlines, so that it does not drift.
struct MachineRecorder {
  let rate: Double
  private var metrics = MachineMetrics()
  var fields: [String] { metrics.columns.map(\.name) }

  init(rate: Double) { self.rate = rate }

  /// Gives every row to `take` until the time is over, `take` says no, or the program is interrupted.
  mutating func run(until end: Deadline?, _ take: (MachineRow) throws -> Bool) throws {
    _ = metrics.row()
    let start = ContinuousClock.now
    var tick = 1
    while true {
      let due = start + .seconds(Double(tick) / rate)
      if let end, due > end.instant { return }
      let deadline = Deadline(due)
      while !Interruption.isWanted, !deadline.sleep(atMost: 0.2) {}
      if Interruption.isWanted { return }
      let row = MachineRow(timestamp: Date().timeIntervalSince1970, values: metrics.row())
      guard try take(row) else { return }
      // After a pause (a suspended machine) go on from now instead of catching up.
      tick = max(tick + 1, Int((ContinuousClock.now - start) / .seconds(1) * rate) + 1)
    }
  }
}

/// Publishes rows as they are recorded; a subscriber that is away misses them, as with any live metrics.
struct LivePublisher: ~Copyable {
  private let publisher: EventPublisher
  private let encoder: EventEncoder
  private var sequence: UInt64 = 0

  init(stream: String, fields: [String], format: EventFormat, endpoint: String, attachment: PublisherOptions)
    throws
  {
    encoder = PublishCommand.encoder(stream, fields, format)
    publisher = try EventPublisher(endpoint, attachment.attachment, push: attachment.push, waits: false)
  }

  var description: String {
    "\(encoder.stream) \(publisher.isBound ? "at" : "to") \(publisher.endpoint)"
  }

  mutating func send(_ row: MachineRow) throws {
    sequence += 1
    let event = OutgoingEvent(timestamp: row.timestamp, sequence: sequence, values: row.values[...])
    try publisher.send(topic: encoder.stream, payload: encoder.payload([event]), waits: false)
  }
}
