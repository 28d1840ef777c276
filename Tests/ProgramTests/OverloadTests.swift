import Control
import Events
import Foundation
import Testing

/// Far more than can be scored.
@Suite struct OverloadTests {
  private static let fields = 32

  /// Little-endian rows of float32, each a little different.
  private static func rows(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count * fields * 4)
    for row in range {
      for field in 0..<fields {
        let value = Float(sin(Double(row) * 0.37 + Double(field)) + Double((row &* 7919 + field) % 101) / 101)
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
      }
    }
    return bytes
  }

  @Test(arguments: ["drop_oldest", "drop_newest"])
  func `ten times what can be scored is dropped and counted to the last event, in bounded memory`(
    policy: String
  ) throws {
    try Programs.withFolder { folder in
      let names = (0..<Self.fields).map { "f\($0)" }.joined(separator: ", ")
      let daemon = try Daemon(
        """
        sources:
          - {name: in, socket: pull, bind: ["\(Daemon.endpoint("in", in: folder))"], format: f32, fields: [\(names)],
             sample_rate: 1000, stream: flood, overflow: \(policy), receive_high_water: 16}
        pipeline: {shards: 1, queue_batches: 8}
        detection: {collecting: {rows: 256}, autoencoder: {epochs: 3}, rbm: {epochs: 3, hidden: 4096}}
        retrain: {growth: 0, every: 0, drift: 0}
        """, in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      try sender.send([Self.rows(0..<256)])
      try daemon.wait(
        "scores", for: { try daemon.streams().first?.phase }, until: { $0 == .calibrating || $0 == .scoring })
      let before = try daemon.status()
      let first = try #require(before.shards.first?.events)

      // The same rows again and again, so that the sender is not what is slow, until ten times what is scored meanwhile: the
      // large machine above is what makes scoring slow everywhere.
      let piece = Self.rows(256..<4352)
      var sent = 0
      var enough = 1 << 20
      let end = Date().addingTimeInterval(30)
      while sent < enough, Date() < end {
        for _ in 0..<64 { try sender.send([piece]) }
        sent += 64 * 4096
        // What is queued will be scored too.
        let scored = try #require(try daemon.status().shards.first?.events) - first
        enough = max(enough, 10 * (Int(scored) + 16 * 4096))
      }
      let after = try daemon.wait(
        "the end of the flood", for: { try daemon.status() },
        until: { status in
          let seen = status.sources[0].bytes
          return Int(seen) == (256 + sent) * Self.fields * 4 && status.queues.allSatisfy { $0.depth == 0 }
        })
      let scored = try daemon.wait(
        "counts at rest", for: { try #require(try daemon.status().shards.first?.events) - first },
        until: { $0 + after.sources[0].dropped.values.reduce(0, +) == UInt64(sent) })
      #expect(sent >= 10 * Int(scored), "\(sent) rows sent, \(scored) scored: no overload")
      // What the queue holds, and what the socket does: 16 messages of half a megabyte, twice.
      let grown = Int(after.memory.resident) - Int(before.memory.resident)
      #expect(grown < 64 << 20, "\(grown >> 20) MiB more")

      // Normal again at once: an event that comes now is scored within moments.
      try sender.send([Self.rows(0..<64)])
      try daemon.wait(
        "what came after the flood", seconds: 5,
        for: { try #require(try daemon.status().shards.first?.events) - first },
        until: { $0 == scored + 64 })
    }
  }
}
