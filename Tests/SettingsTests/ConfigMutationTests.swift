import Foundation
import Settings
import Testing

/// Seeded mutations of the packaged config: whatever comes, the answer is settings or mistakes that say where they are.
@Suite struct ConfigMutationTests {
  private static let packaged: [UInt8] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? Data(contentsOf: root.appending(path: "config/anomalyd.yaml"))).map(Array.init) ?? []
  }()

  /// The lines that hold keys, so that most changes hit one.
  private static let lines = String(decoding: packaged, as: UTF8.self).split(separator: "\n").filter {
    !$0.drop { $0 == " " }.hasPrefix("#")
  }

  private func look(_ text: String) {
    do {
      _ = try DaemonSettings.parse(text, file: "mutated.yaml")
    } catch {
      #expect(!error.problems.isEmpty)
      for problem in error.problems { #expect(problem.description.hasPrefix("mutated.yaml")) }
    }
  }

  @Test func `flipped, lost, doubled and foreign bytes give settings or mistakes with a place`() {
    var random = SplitMix(state: 5)
    let whole = Array(Self.lines.joined(separator: "\n").utf8)
    #expect(whole.count > 1000)
    for _ in 0..<400 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<7, using: &random)
        case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(index..<min(bytes.count, index + 7))
        case 3: bytes.insert(contentsOf: Array(": [{-\n\t\"*&".utf8), at: index)
        default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 40)], at: index)
        }
      }
      look(String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test func `any value in the place of another gives settings or mistakes with a place`() {
    let values = ["", "[]", "{}", "-1", "1e309", "[[[]]]"]
    for (index, line) in Self.lines.enumerated() where line.contains(": ") {
      for value in values {
        var lines = Self.lines.map(String.init)
        lines[index] = line.prefix { $0 != ":" } + ": " + value
        look(lines.joined(separator: "\n"))
      }
    }
  }
}

/// A generator of its own: the same mutations in every run.
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
