import Datasets
import Events
import Wire

/// Events as they were recorded, a JSON text in each line: what a source of `format: json` takes as a message, read by the same
/// decoder. One file may hold events of many streams.
struct RecordedEvents {
  /// In the order in which they first appear.
  private(set) var streams: [PastEvents] = []
  private var places: [StreamKey: Int] = [:]
  /// Per stream: where its declared fields are, for values without names; empty: not declared.
  private var declared: [[Int]] = []
  private let file: String

  /// - Parameter stream: of events that name none.
  /// - Throws: ``DataError`` with the file and the line of what cannot be read.
  init(_ bytes: [UInt8], of stream: StreamKey, file: String) throws(DataError) {
    self.file = file
    var decoder: MessageDecoder
    do throws(SourceRulesError) {
      // What happened long ago is as good as what happened lately.
      decoder = try MessageDecoder(
        rules: SourceRules(), source: stream.name, earliest: -.greatestFiniteMagnitude,
        latestAhead: .greatestFiniteMagnitude)
    } catch {
      throw DataError(.data, what: file, why: error.description, remedy: "give the file another name")
    }
    let sink = EventSink()
    var (start, number) = (bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0, 0)
    while start < bytes.count {
      number += 1
      let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
      let line = bytes[start..<end]
      start = end + 1
      if line.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
      let outcome = decoder.decode(
        topic: [UInt8]().span, payload: bytes.span.extracting(line.startIndex..<end), arrival: 0, into: sink)
      if case .refused(let refusal) = outcome { throw wrong(number, refusal.description) }
      for index in 0..<sink.count { try take(sink.event(index), sink, line: number) }
    }
    streams.removeAll { $0.timestamps.isEmpty }
    guard !streams.isEmpty else {
      throw DataError(
        .data, what: file, why: "holds no events", remedy: "give at least one line with an event")
    }
  }

  private mutating func take(_ event: EventSink.Event, _ sink: EventSink, line: Int) throws(DataError) {
    if let refusal = event.refusal { throw wrong(line, refusal.description) }
    guard let name = event.stream.map(sink.text) else { throw wrong(line, "names no stream") }
    if event.hasArrivalTime {
      throw wrong(line, "has no time", "give ts: seconds since 1970 or a time as in RFC 3339")
    }
    let key = StreamKey(name)
    let place = places[key] ?? streams.count
    if place == streams.count {
      places[key] = place
      streams.append(PastEvents(of: key))
      declared.append([])
    }
    if let last = streams[place].timestamps.last, event.timestamp < last {
      throw wrong(
        line, "is of an earlier time than the event of \(name) before it", "sort the events by their times")
    }
    let slots: [Int]
    if event.isPositional {
      slots = declared[place]
      if slots.isEmpty { throw wrong(line, Refusal.fieldsUnknown.description) }
      guard slots.count == event.values.count else {
        throw wrong(line, Refusal.wrongFieldCount.description)
      }
    } else {
      slots = event.values.map { value in streams[place].column(sink.text(sink.name(value))) }
      if event.namesFields { declared[place] = slots }
    }
    let values = sink.withValues(event.values) { values in values.indices.map { values[$0] } }
    streams[place].add(at: event.timestamp, values, in: slots)
  }

  private func wrong(
    _ line: Int, _ why: String, _ remedy: String = "write one event as in a message of format json"
  ) -> DataError {
    DataError(.data, what: "\(file): line \(line)", why: why, remedy: remedy)
  }
}
