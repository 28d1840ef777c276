import ArgumentParser
import Control
import Foundation
import Messaging

/// The messages of `bench pipeline`: 16 related features of some streams, encoded beforehand, with values that vary from
/// message to message. Only the time is written into them when they are sent.
struct BenchLoad {
  enum Shape: String, CaseIterable, ExpressibleByArgument {
    /// One event to a message, JSON of about 200 bytes.
    case json
    /// 64 events to a message.
    case json64
    /// 64 float32 rows to a message, of one stream.
    case f32

    var eventsPerMessage: Int { self == .json ? 1 : 64 }
  }

  static let features = (0..<16).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0))) }

  let shape: Shape
  /// Topic (empty: none) and payload of each message; they are sent in turn.
  private(set) var messages: [(topic: [UInt8], payload: [UInt8])] = []
  /// Where the times are in the payloads.
  private let timeOffsets: [[Int]]
  private static let timeDigits = 17

  /// - Parameter count: events that differ.
  init(_ shape: Shape, streams: Int, count: Int = 16_384) {
    self.shape = shape
    var noise = BenchNoise()
    var messages: [(topic: [UInt8], payload: [UInt8])] = []
    var offsets: [[Int]] = []
    var event = 0
    while event < count {
      var payload: [UInt8] = []
      var times: [Int] = []
      var topic: [UInt8] = []
      switch shape {
      case .json: Self.append(event % streams, &noise, &payload, &times)
      case .json64:
        for index in 0..<64 {
          payload.append(UInt8(ascii: index == 0 ? "[" : ","))
          Self.append((event + index) % streams, &noise, &payload, &times)
        }
        payload.append(UInt8(ascii: "]"))
      case .f32:
        topic = Array(Self.name(event / 64 % streams).utf8)
        for _ in 0..<64 {
          for value in noise.row() {
            let bits = Float(value).bitPattern
            for shift in [0, 8, 16, 24] { payload.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) }
          }
        }
      }
      messages.append((topic, payload))
      offsets.append(times)
      event += shape.eventsPerMessage
    }
    self.messages = messages
    timeOffsets = offsets
  }

  static func name(_ stream: Int) -> String { "host-\(stream)" }

  private static func append(
    _ stream: Int, _ noise: inout BenchNoise, _ payload: inout [UInt8], _ times: inout [Int]
  ) {
    payload += Array("{\"stream\":\"\(name(stream))\",\"ts\":".utf8)
    times.append(payload.count)
    payload += Array("0000000000.000000,\"values\":{".utf8)
    for (index, value) in noise.row().enumerated() {
      payload += Array(
        "\(index == 0 ? "" : ",")\"\(features[index])\":\(Int(value)).\(Int(value * 10) % 10)".utf8)
    }
    payload += Array("}}".utf8)
  }

  /// Makes one row of a JSON message far from normal (the 2nd to 4th feature), for the time of one sending.
  mutating func payload(_ index: Int, at time: Double, isOdd: Bool = false) -> [UInt8] {
    stamp(index, time)
    guard isOdd else { return messages[index].payload }
    var text = String(decoding: messages[index].payload, as: UTF8.self)
    for feature in Self.features[1...3] { text.replace("\"\(feature)\":", with: "\"\(feature)\":99") }
    return Array(text.utf8)
  }

  /// Writes a time, microseconds included, into a message.
  mutating func stamp(_ index: Int, _ time: Double) {
    var micros = UInt64(time * 1e6)
    if timeOffsets[index].isEmpty { return }
    var digits = [UInt8](repeating: UInt8(ascii: "."), count: Self.timeDigits)
    for place in stride(from: Self.timeDigits - 1, through: 0, by: -1) where place != 10 {
      digits[place] = UInt8(ascii: "0") + UInt8(micros % 10)
      micros /= 10
    }
    // What publishing costs is taken from the two programs under test: 64 times to a message are put in by one copy each.
    unsafe messages[index].payload.withUnsafeMutableBytes { payload in
      unsafe digits.withUnsafeBytes { digits in
        for offset in timeOffsets[index] {
          unsafe UnsafeMutableRawBufferPointer(rebasing: payload[offset..<offset + Self.timeDigits])
            .copyMemory(from: digits)
        }
      }
    }
  }
}

/// Rows of 16 features that move together in threes, normal to within a few percent.
struct BenchNoise {
  private var random: UInt64 = 1

  mutating func row() -> [Double] {
    let common = [normal(), normal(), normal()]
    return (0..<16).map { 20 + 2 * common[$0 % 3] + normal() }
  }

  /// Irwin–Hall: the sum of twelve uniforms is nearly standard normal.
  private mutating func normal() -> Double {
    var sum = -6.0
    for _ in 0..<12 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sum += Double(random >> 40) / Double(1 << 24)
    }
    return sum
  }
}

/// The publisher of `bench pipeline`, a process of its own.
struct BenchPublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-publish", abstract: "Sends the messages of `bench pipeline`.", shouldDisplay: false)

  @Option var endpoint: String
  @Option var shape: BenchLoad.Shape
  @Option var streams = 8
  /// Messages a second; 0: as fast as they are taken.
  @Option var rate = 0.0
  /// Messages to send; 0: without end.
  @Option var count = 0
  /// Makes five events in a row of one stream odd, this often a second; of one event to a message only.
  @Option var odd = 0.0

  func run() throws {
    var load = BenchLoad(shape, streams: streams)
    let socket = try Socket(.push, in: try MessagingContext())
    try socket.set(.sendHighWater(10_000))
    try socket.set(.linger(count > 0 ? 5000 : 0))
    try socket.connect(endpoint)
    if rate > 0 { try paced(&load, socket) } else { try flood(&load, socket) }
  }

  /// The clock is read, and times are written, for every 64th message.
  private func flood(_ load: inout BenchLoad, _ socket: borrowing Socket) throws {
    var time = Date().timeIntervalSince1970
    var sent = 0
    while count == 0 || sent < count {
      let index = sent % load.messages.count
      if sent % 64 == 0 { time = Date().timeIntervalSince1970 }
      load.stamp(index, time)
      try send(load.messages[index].topic, load.messages[index].payload, socket)
      sent += 1
    }
  }

  private func paced(_ load: inout BenchLoad, _ socket: borrowing Socket) throws {
    let start = Date().timeIntervalSince1970
    let oddEvery = odd > 0 ? Int(rate / odd) : 0
    var sent = 0
    while count == 0 || sent < count {
      let due = start + Double(sent) / rate
      var now = Date().timeIntervalSince1970
      while now < due {
        usleep(UInt32(max(1, min(1000, (due - now) * 1e6))))
        now = Date().timeIntervalSince1970
      }
      // Whatever is due goes at once, as from a publisher whose timer has the grain of a scheduler.
      while start + Double(sent) / rate <= now, count == 0 || sent < count {
        let index = sent % load.messages.count
        let time = Date().timeIntervalSince1970
        let payload = load.payload(index, at: time, isOdd: isOdd(sent, oddEvery))
        try send(load.messages[index].topic, payload, socket)
        sent += 1
      }
    }
  }

  /// Every so often one stream's next five events.
  private func isOdd(_ sent: Int, _ every: Int) -> Bool {
    guard every > 0, sent >= every else { return false }
    let turn = sent / every
    return sent % every < 5 * streams && sent % streams == turn % streams
  }

  private func send(_ topic: [UInt8], _ payload: [UInt8], _ socket: borrowing Socket) throws {
    if !topic.isEmpty { try socket.send(topic.span, more: true, wait: .forever) }
    try socket.send(payload.span, wait: .forever)
  }
}
