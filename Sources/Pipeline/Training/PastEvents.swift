import Archive
import Control
import Datasets
import Detection
import Events
import Foundation

/// What happened before the daemon was there: a folder of files, from which streams that are not known yet are learned before
/// their first event.
///
/// `FOLDER/NAME.csv` (or `.csv.gz`, also in folders of the folder) belongs to the stream `NAME`: a header, a column `ts` (or
/// `timestamp`, `time`) of seconds since 1970 or RFC 3339 times in ascending order, and a column per field; an empty cell is
/// missing. What `anomalylab record` writes is such a file. Columns `label` and `split` are left out.
///
/// `FOLDER/NAME.ndjson` or `.jsonl` (or these with `.gz`) holds recorded events, see ``RecordedEvents``; those that name no stream
/// belong to `NAME`.
struct PastEvents {
  let stream: StreamKey
  private(set) var fields: [String] = []
  private(set) var timestamps: [Double] = []
  /// `rows × fields`, row-major, NaN missing.
  private(set) var values: [Float] = []

  init(of stream: StreamKey) { self.stream = stream }

  /// The column of a field, which is added where it is new; -1 for what is no measurement.
  mutating func column(_ name: String) -> Int {
    if name == "label" || name == "split" { return -1 }
    if let known = fields.firstIndex(of: name) { return known }
    let old = fields.count
    fields.append(name)
    // The rows so far did not have it.
    var wider: [Float] = []
    wider.reserveCapacity(timestamps.count * fields.count)
    for row in timestamps.indices {
      wider += values[row * old..<(row + 1) * old]
      wider.append(.nan)
    }
    values = wider
    return old
  }

  /// - Parameter slots: the ``column(_:)`` of each value.
  mutating func add(at time: Double, _ new: [Float], in slots: [Int]) {
    if fields.isEmpty { return }
    timestamps.append(time)
    let start = values.count
    values.append(contentsOf: repeatElement(.nan, count: fields.count))
    for (value, slot) in zip(new, slots) where slot >= 0 { values[start + slot] = value }
  }

  /// Streams that are not known yet take over their files: rows go into their histories, and a model is asked for.
  ///
  /// - Throws: ``Failure`` with the file, and the row, of what cannot be read.
  static func learn(
    from folder: String, into restored: inout Restored, _ histories: HistoryStore,
    _ detection: DetectionChoice, seed: UInt64
  ) throws(Failure) {
    let known = Set(restored.streams)
    var files: [StreamKey: String] = [:]
    for (named, path) in try Self.files(in: folder) {
      // Of recorded events only the lines say whose they are.
      if isTable(path), known.contains(named) { continue }
      for past in try read(path, of: named) where !known.contains(past.stream) {
        if let other = files.updateValue(path, forKey: past.stream) {
          throw Failure(
            .data, what: path, why: "holds events of \(past.stream), and so does \(other)",
            remedy: "put all events of a stream into one file")
        }
        try past.takeOver(from: path, into: &restored, histories, detection, seed: seed)
      }
    }
  }

  private func takeOver(
    from path: String, into restored: inout Restored, _ histories: HistoryStore, _ detection: DetectionChoice,
    seed: UInt64
  ) throws(Failure) {
    var scratch = HistoryScratch()
    var detector = StreamDetector(
      stream: stream, settings: detection.settings(of: stream.name),
      seed: StreamEntry.hash(stream.name, from: seed))
    for field in fields { detector.addField(field) }
    do {
      // One that was written before an end by force is as good.
      if try histories.read(stream) == nil { try write(to: histories.history(of: stream), &scratch) }
    } catch {
      throw Failure(
        .io, what: path, why: "cannot be taken over: \(error)", remedy: "see the state directory")
    }
    detector.adopt(pastEvents: timestamps.count)
    restored.streams.append(stream)
    restored.detectors.append(detector)
  }

  private func write(to history: consuming RowHistory, _ scratch: inout HistoryScratch) throws(ArchiveError) {
    var start = 0
    let width = fields.count
    while start < timestamps.count {
      let part = start..<min(start + history.room, timestamps.count)
      history.append(
        values.span.extracting(part.lowerBound * width..<part.upperBound * width), width: width,
        timestamps: timestamps.span.extracting(part),
        flags: Array(repeating: RowFlags(), count: part.count).span)
      try history.flush(fields: fields, scratch: &scratch)
      start = part.upperBound
    }
  }

  private static func files(in folder: String) throws(Failure) -> [(StreamKey, String)] {
    guard let found = try? FileManager.default.subpathsOfDirectory(atPath: folder) else {
      throw Failure(
        .input, what: folder, why: "is no folder that can be read",
        remedy: "give state.past_events a folder of CSV or NDJSON files, or none")
    }
    return found.sorted().compactMap { path in
      for ending in tables + recordings where path.hasSuffix(ending) {
        return (StreamKey(String(path.dropLast(ending.count))), "\(folder)/\(path)")
      }
      return nil
    }
  }

  private static let tables = [".csv", ".csv.gz"]
  private static let recordings = [".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz"]

  private static func isTable(_ path: String) -> Bool { tables.contains(where: path.hasSuffix) }

  private static func read(_ path: String, of stream: StreamKey) throws(Failure) -> [PastEvents] {
    do throws(DataError) {
      let bytes = try FileBytes.read(path)
      guard isTable(path) else { return try RecordedEvents(bytes, of: stream, file: path).streams }
      var past = PastEvents(of: stream)
      try past.read(bytes, path)
      return [past]
    } catch {
      throw Failure(.data, what: error.what, why: error.why, remedy: error.remedy)
    }
  }

  private mutating func read(_ bytes: [UInt8], _ path: String) throws(DataError) {
    var rows = try CSVRows(bytes, name: path)
    let names = rows.header ?? []
    guard let time = ["ts", "timestamp", "time"].compactMap(names.firstIndex).first else {
      throw DataError(
        .data, what: "\(path): header", why: "names no column ts, timestamp or time",
        remedy: "say when each row was")
    }
    let columns = names.indices.filter { $0 != time && names[$0] != "label" && names[$0] != "split" }
    guard !columns.isEmpty else {
      throw DataError(
        .data, what: "\(path): header", why: "names no column of values", remedy: "give at least one")
    }
    fields = columns.map { names[$0] }
    while try rows.next() {
      guard let moment = DecimalNumber.time(rows.cells[time]) else {
        throw rows.wrong(time, "is no time", "write seconds since 1970 or a time as in RFC 3339")
      }
      if let last = timestamps.last, moment < last {
        throw rows.wrong(time, "is before the row above", "sort the rows by their times")
      }
      timestamps.append(moment)
      for column in columns {
        guard let value = DecimalNumber.value(rows.cells[column]) else {
          throw rows.wrong(column, "is no number", "write a number, or nothing where a value is missing")
        }
        values.append(value)
      }
    }
    guard !timestamps.isEmpty else {
      throw DataError(.data, what: path, why: "has a header and no rows", remedy: "give at least one row")
    }
  }
}
