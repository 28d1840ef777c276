import Testing
import Wire

/// Bytes as the MessagePack specification (github.com/msgpack/msgpack/blob/master/spec.md) lays them down.
enum Packed {
  static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return bytes.count < 32 ? [0xA0 | UInt8(bytes.count)] + bytes : [0xD9, UInt8(bytes.count)] + bytes
  }
  static func double(_ value: Double) -> [UInt8] { [0xCB] + big(value.bitPattern) }
  static func float(_ value: Float) -> [UInt8] { [0xCA] + big(value.bitPattern) }
  static func map(_ members: [(String, [UInt8])]) -> [UInt8] {
    (members.count < 16 ? [0x80 | UInt8(members.count)] : [0xDE] + big(UInt16(members.count)))
      + members.flatMap { text($0.0) + $0.1 }
  }
  static func list(_ items: [[UInt8]]) -> [UInt8] {
    (items.count < 16 ? [0x90 | UInt8(items.count)] : [0xDC] + big(UInt16(items.count)))
      + items.flatMap { $0 }
  }
  static func big(_ value: some FixedWidthInteger) -> [UInt8] {
    stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}

struct MessagePackTests {
  let source: TestSource

  init() throws { source = try TestSource { $0.format = .msgpack } }

  @Test func `the shapes are those of JSON`() {
    let named = Packed.map([
      ("stream", Packed.text("host-17")), ("ts", Packed.double(1_732_270_000.25)), ("seq", [0x29]),
      ("epoch", Packed.text("b7")),
      (
        "values",
        Packed.map([("a", Packed.double(0.5)), ("b", Packed.map([("c", Packed.float(2))])), ("d", [0xC0])])
      ),
    ])
    let event = Decoded(
      stream: "host-17", timestamp: 1_732_270_000.25, seq: 41, hasEpoch: true,
      values: [("a", 0.5), ("b.c", 2), ("d", .nan)])
    #expect(source.events(named) == [event])
    #expect(source.events(Packed.list([named, named])) == [event, event])

    let listed = Packed.map([
      ("values", Packed.list([Packed.double(1), [0xC0], [0xC3]])), ("stream", Packed.text("h")),
      ("fields", Packed.list(["x", "y", "z"].map(Packed.text))),
    ])
    #expect(
      source.events(listed) == [
        Decoded(stream: "h", timestamp: TestSource.arrival, values: [("x", 1), ("y", .nan), ("z", 1)])
      ])

    let flat = Packed.map([
      ("cpu", Packed.map([("user", [0x05])])), ("host", Packed.text("vm")), ("gone", [0xC0]),
      ("load", Packed.list([Packed.double(1.5), [0x02]])),
    ])
    #expect(
      source.events(flat, topic: "t") == [
        Decoded(
          stream: "t", timestamp: TestSource.arrival,
          values: [("cpu.user", 5), ("load.0", 1.5), ("load.1", 2)])
      ])
  }

  @Test(
    arguments: [
      ([0x00], 0), ([0x7F], 127), ([0xE0], -32), ([0xFF], -1), ([0xCC, 0xFF], 255), ([0xCD, 1, 0], 256),
      ([0xCE, 0, 1, 0, 0], 65536), ([0xCF, 0, 0, 0, 1, 0, 0, 0, 0], 4_294_967_296), ([0xD0, 0x80], -128),
      ([0xD1, 0x80, 0], -32768), ([0xD2, 0x80, 0, 0, 0], -2_147_483_648),
      ([0xD3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE], -2), ([0xCA, 0x3F, 0xC0, 0, 0], 1.5),
      ([0xCB, 0xBF, 0xF8, 0, 0, 0, 0, 0, 0], -1.5), ([0xC2], 0), ([0xC3], 1),
    ] as [([UInt8], Float)])
  func `every kind of number is read`(bytes: [UInt8], value: Float) {
    #expect(source.events(Packed.map([("x", bytes)]))[0]["x"] == value)
  }

  @Test func `NaN and infinities are missing`() {
    let event = source.events(
      Packed.map([
        ("values", Packed.map([("a", Packed.double(.nan)), ("b", Packed.float(.infinity)), ("c", [1])]))
      ]))[0]
    #expect(event.values.map(\.value.isNaN) == [true, true, false])
  }

  @Test func `a time may be a number, RFC 3339, or a timestamp of 4, 8 or 12 bytes`() {
    let times: [[UInt8]] = [
      Packed.double(1_732_270_000.5), Packed.text("2024-11-22T10:06:40.5Z"),
      [0xD7, 0xFF] + Packed.big(UInt64(500_000_000) << 34 | 1_732_270_000),
      [0xC7, 12, 0xFF] + Packed.big(UInt32(500_000_000)) + Packed.big(UInt64(1_732_270_000)),
    ]
    for time in times {
      #expect(source.events(Packed.map([("ts", time), ("x", [1])]))[0].timestamp == 1_732_270_000.5)
    }
    let whole = source.events(
      Packed.map([("ts", [0xD6, 0xFF] + Packed.big(UInt32(1_732_270_000))), ("x", [1])]))
    #expect(whole[0].timestamp == 1_732_270_000)
  }

  @Test func `binary data is left out unless it is text`() {
    let event = source.events(
      Packed.map([
        ("blob", [0xC4, 2, 0xFF, 0xFE]), ("stream", [0xC4, 1, 0x68]), ("ext", [0xD4, 5, 0]), ("x", [1]),
      ]))[0]
    #expect(event.stream == "h")
    #expect(event.names == ["x"])
  }

  @Test func `sequence numbers keep all their 64 bits`() {
    let event = source.events(Packed.map([("seq", [0xCF] + Packed.big(UInt64.max - 1)), ("x", [1])]))[0]
    #expect(event.seq == UInt64.max - 1)
  }

  @Test func `what is wrong is refused with its reason`() {
    let cases: [([UInt8], Refusal)] = [
      ([], .truncated), ([0x81], .truncated), ([0x81, 0xA1], .truncated), ([0xC1], .malformedMessagePack),
      ([0x81, 0xA1, 0x78, 0xC1], .malformedMessagePack),
      (Packed.map([("x", [1])]) + [0], .malformedMessagePack),
      ([0x05], .unknownShape), ([0x91, 0x05], .unknownShape), ([0xDD, 0xFF, 0xFF, 0xFF, 0xFF], .truncated),
      ([0xDF, 0xFF, 0xFF, 0xFF, 0xFF], .truncated), ([0xDB, 0xFF, 0xFF, 0xFF, 0xFF], .truncated),
      ([0x80], .noNumbers),
      ([0x81, 0xA1, 0xFF, 1], .nonUTF8), ([0x81, 0x90, 1], .unknownShape),
      (
        Packed.map([("values", Packed.list([[1], [2]])), ("fields", Packed.list([Packed.text("a")]))]),
        .wrongFieldCount
      ),
      (Packed.map([("ts", [0xC3]), ("x", [1])]), .badTimestamp),
      (Packed.map([("ts", [5]), ("x", [1])]), .absurdTimestamp),
      ([0x81, 0xA1, 0x78] + [UInt8](repeating: 0x91, count: 100) + [1], .tooDeep),
      ([0x81, 0xDA, 0x01, 0x2C] + [UInt8](repeating: 0x6E, count: 300) + [1], .nameTooLong),
    ]
    for (bytes, reason) in cases {
      #expect(source.events(bytes).map(\.refusal) == [reason], "\(bytes.prefix(20))")
    }
  }
}
