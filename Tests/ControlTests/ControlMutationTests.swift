import Control
import Foundation
import Testing

/// Seeded mutations of requests: whatever comes, the answer is a request or an error that says what is wrong.
@Suite struct ControlMutationTests {
  /// The same mutations in every run.
  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  private func look(_ bytes: [UInt8]) {
    do {
      let request = try ControlCoding.decodeRequest(bytes)
      #expect(ControlRequest.commands.contains(request.command))
    } catch {
      #expect(!error.what.isEmpty && !error.why.isEmpty)
    }
  }

  @Test(arguments: ControlCodingTests.requests)
  func `a request with flipped, lost, doubled and foreign bytes is a request or an error`(
    request: ControlRequest
  ) throws {
    let whole = try ControlCoding.encode(request)
    var random = SplitMix(state: UInt64(whole.count))
    for length in 0..<whole.count { look(Array(whole.prefix(length))) }
    for _ in 0..<200 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 2 where bytes.count > 1: bytes.remove(at: index)
        default: bytes.insert(contentsOf: bytes.prefix(index), at: index)
        }
      }
      look(bytes)
    }
    #expect(try ControlCoding.decodeRequest(whole) == request)
  }

  @Test func `nesting without end is an error, not the end`() {
    look(Array(String(repeating: "[", count: 100_000).utf8))
    look(Array((String(repeating: #"{"arguments":"#, count: 20_000) + "1").utf8))
  }
}
