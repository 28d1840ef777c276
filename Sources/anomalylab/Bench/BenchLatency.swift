import Control
import Datasets
import Events
import Foundation
import Messaging
import Wire

extension BenchPipeline {
  /// Time from the sending of an event to its score, and to the alert that it opens, with so many events a second.
  func latency(rate: Double) throws {
    var settings = overrides(.json)
    settings["ANOMALYD_PUBLISH_SCORES"] = "true"
    let daemon = try LabDaemon(overrides: settings)
    defer {
      daemon.stop()
      daemon.removeFolder()
    }
    let endpoint = try trained(daemon, .json)
    let context = try MessagingContext()
    let subscriber = try Socket(.sub, in: context)
    try subscriber.set(.receiveHighWater(0))
    try subscriber.set(.linger(0))
    for topic in ["score/", "alert/"] { try subscriber.subscribe(topic) }
    for endpoint in try daemon.status().endpoints.alerts { try subscriber.connect(endpoint) }

    let publisher = try publish(.json, endpoint, rate: rate, odd: 10)
    defer { end(publisher) }
    let heard = try listen(to: subscriber, seconds: max(10, seconds * 3))
    let note = "at \(Int(rate)) events/s"
    for (what, samples) in [("score", heard.scores), ("alert", heard.alerts)] {
      let sorted = samples.sorted()
      guard let last = sorted.last else {
        throw Failure(.data, what: "pipeline", why: "no \(what) was heard", remedy: daemon.log())
      }
      for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let value = sorted[Int(Double(sorted.count - 1) * share)] * 1000
        run.report(
          "from publishing to \(what), \(name)", value, "ms", reference: name == "p99" ? "goal" : nil,
          name == "p99" ? 5 : nil,
          note: "\(note), \(sorted.count) of them, longest \(Readable.number(last * 1000)) ms")
      }
    }
  }

  /// Seconds from the time in each message until it is heard. The first two seconds do not count.
  private func listen(
    to subscriber: borrowing Socket, seconds: Double
  ) throws -> (scores: [Double], alerts: [Double]) {
    var scores: [Double] = []
    var alerts: [Double] = []
    var message = Message()
    var poller = Poller()
    poller.add(subscriber)
    let warm = Deadline(after: 2)
    let limit = Deadline(after: seconds)
    while !limit.isOver {
      try poller.wait(milliseconds: 10)
      while try subscriber.receive(into: &message) {
        let now = Date().timeIntervalSince1970
        if message.count != 2 || warm.isOver == false { continue }
        if message.withFrame(0, { $0[0] }) == UInt8(ascii: "s") {
          if let sent = Self.time(in: message.bytes(of: 1)) { scores.append(now - sent) }
        } else if let alert = try? AlertMessage.decode(message.bytes(of: 1)), alert.state == .open {
          alerts.append(now - alert.ts)
        }
      }
    }
    return (scores, alerts)
  }

  /// The number behind `"ts":`; what listens must not take the processor from what is measured.
  private static func time(in payload: [UInt8]) -> Double? {
    let (t, s) = (UInt8(ascii: "t"), UInt8(ascii: "s"))
    let (quote, colon, comma) = (UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: ","))
    for at in 0..<max(0, payload.count - 4)
    where payload[at] == t && payload[at + 1] == s && payload[at + 2] == quote && payload[at + 3] == colon {
      return DecimalNumber.parse(payload[(at + 4)...].prefix { $0 != comma })
    }
    return nil
  }
}
