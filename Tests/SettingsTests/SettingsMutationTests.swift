import Foundation
import Messaging
import Testing

@testable import Settings

/// A bounded run of damaged files through every reader of files that people write, the same one every time.
@Suite struct SettingsMutationTests {
  /// Texts that differ from `seed` in a few bytes: other ones, lost ones, foreign ones, parts twice.
  func each(of seed: String, count: Int, _ body: (String) -> Void) {
    var state: UInt64 = 88_172_645_463_325_252
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let telling = Array(":-{}[]\"'#&*!|>%@,?\n\t \\;=0".utf8)
    for _ in 0..<count {
      var bytes = Array(seed.utf8)
      for _ in 0...next(4) where !bytes.isEmpty {
        let at = next(bytes.count)
        switch next(5) {
        case 0: bytes[at] = UInt8(next(256))
        case 1: bytes[at] = telling[next(telling.count)]
        case 2: bytes.insert(telling[next(telling.count)], at: at)
        case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + next(20)))
        default:
          bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + next(30))], at: next(bytes.count))
        }
      }
      body(String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test func `a damaged config gives settings or mistakes with their place`() {
    let seed = """
      sources:
        - {name: a, bind: [tcp://127.0.0.1:1], format: f32, fields: [x, y], sample_rate: 10}
      publish: {endpoints: [tcp://*:2], scores: true, group_within: 5s}
      maintenance: [{from: 2026-12-01, to: 2026-12-02, streams: ["a*"]}]
      gates: [{direction: up, least_relative: 10%, valid_high: 3}]
      retrain: {budget: 10%, every: 1h30m}
      http: {listen: "[::1]:80", hosts: [a, b]}
      """
    var (taken, refused) = (0, 0)
    each(of: seed, count: 1500) { text in
      do throws(ConfigError) {
        _ = try DaemonSettings.parse(text, file: "c.yaml")
        taken += 1
      } catch {
        refused += 1
        if error.problems.isEmpty { Issue.record("refused without a reason: \(text)") }
      }
    }
    #expect(taken > 20 && refused > 200)
  }

  @Test func `any value in the place of another gives settings or mistakes with their place`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let packaged = try String(contentsOf: root.appending(path: "config/anomalyd.yaml"), encoding: .utf8)
    let lines = packaged.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }.map(
      String.init)
    for (index, line) in lines.enumerated() where line.contains(": ") {
      for value in ["", "[]", "{}", "-1", "1e309", "[[[]]]"] {
        var changed = lines
        changed[index] = line.prefix { $0 != ":" } + ": " + value
        do throws(ConfigError) {
          _ = try DaemonSettings.parse(changed.joined(separator: "\n"), file: "c.yaml")
        } catch {
          #expect(!error.problems.isEmpty && error.problems.allSatisfy { $0.description.hasPrefix("c.yaml") })
        }
      }
    }
  }

  @Test func `a damaged calendar gives times or a mistake with its line`() {
    let seed = """
      BEGIN:VEVENT
      DTSTART;TZID=Europe/Berlin:20261202T010000
      DURATION:PT1H
      RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=5;INTERVAL=2
      EXDATE:20261209T010000Z
      END:VEVENT
      """
    var (taken, refused) = (0, 0)
    each(of: seed, count: 1500) { text in
      do throws(CalendarFile.Mistake) {
        let times = try CalendarFile(text).times
        taken += 1
        if !times.allSatisfy({ $0.upperBound > $0.lowerBound }) {
          Issue.record("a time without length: \(text)")
        }
      } catch {
        refused += 1
      }
    }
    #expect(taken > 20 && refused > 200)
  }

  @Test func `a damaged certificate gives keys that are keys, or none`() throws {
    let keys = try CurveKeys.generate()
    each(of: CurveFile(publicKey: keys.publicKey, secretKey: keys.secretKey).text, count: 2000) { text in
      guard let file = CurveFile(parsing: text) else { return }
      #expect(CurveKeys.isKey(file.publicKey))
    }
  }
}
