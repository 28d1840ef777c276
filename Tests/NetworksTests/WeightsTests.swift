import Networks
import Tensors
import Testing

struct WeightsTests {
  static let weights = Weights(
    [
      "b": Tensor([1.5, -.leastNonzeroMagnitude], shape: [2]),
      "a": Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]),
    ],
    metadata: ["model": "a \"quoted\" name/é"])

  @Test func `weights come back bit for bit, and the same weights give the same bytes`() throws {
    let bytes = Self.weights.encode()
    #expect(try Weights(decoding: bytes) == Self.weights)
    #expect(Self.weights.encode() == bytes)
  }

  @Test func `every cut and every flipped byte is an error or a value, never a crash`() {
    let bytes = Self.weights.encode()
    for length in 0..<bytes.count {
      #expect(throws: WeightsError.self) { try Weights(decoding: Array(bytes[..<length])) }
    }
    #expect(throws: WeightsError.self) { try Weights(decoding: bytes + [0]) }
    for i in bytes.indices {
      for flip: UInt8 in [0x01, 0x80, 0xff] {
        var broken = bytes
        broken[i] ^= flip
        _ = try? Weights(decoding: broken)
      }
    }
  }

  @Test func `absurd shapes and offsets are refused`() {
    func decode(_ header: String, data: Int) throws -> Weights {
      try Weights(
        decoding: (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
          + Array(header.utf8)
          + [UInt8](repeating: 0, count: data))
    }
    for header in [
      #"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#,
      #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      #"["a"]"#, "", "{",
    ] {
      #expect(throws: WeightsError.self) { try decode(header, data: 8) }
    }
  }

  @Test func `a tensor that is missing, of another shape or not finite is said so`() throws {
    #expect(throws: WeightsError.missing("c")) { try Self.weights.tensor("c", shape: [1]) }
    #expect(throws: WeightsError.wrongShape("a", have: [2, 3], want: [2, nil, 1])) {
      try Self.weights.tensor("a", shape: [2, nil, 1])
    }
    #expect(try Self.weights.tensor("a", shape: [nil, 3]).count == 6)
    #expect(throws: WeightsError.missingMetadata("kind")) { try Self.weights.text("kind") }
    let broken = Weights(["a": Tensor([.nan], shape: [1])])
    #expect(throws: WeightsError.notFinite("a")) { try broken.tensor("a", shape: [1]) }
  }
}
