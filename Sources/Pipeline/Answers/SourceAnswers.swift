import Control
import Events
import Wire

extension AnomalyPipeline {
  func sourceReports() -> [SourceReport] {
    let now = Clocks.monotonic()
    return ingest.counters.map { source in
      var report = SourceReport()
      report.name = source.name
      report.endpoints = source.endpoints
      report.format = source.format.rawValue
      report.messages = source.messages
      report.bytes = source.bytes
      report.events = source.events
      report.streams = source.streams
      report.peers = source.peers
      report.malformed = source.malformed
      report.refused = source.refused
      if source.droppedByPolicy > 0 { report.dropped["full queue"] = source.droppedByPolicy }
      if source.lastMessage > 0 { report.lastMessageAge = Double(now &- source.lastMessage) * 1e-9 }
      report.problem = problem(of: source)
      return report
    }
  }

  private func problem(of source: SourceCounters) -> String? {
    if source.isHeldBack { return "it is held back until a shard has room" }
    if source.handshakesFailed > 0 && source.peers == 0 {
      return "a peer was refused: another protocol, or a wrong key"
    }
    if source.peers == 0 { return "nobody is connected: is the publisher running, and the address right?" }
    return nil
  }
}
