import Foundation
import Testing
import Wire

/// Generated documents, read by Foundation and by us.
struct JSONDifferentialTests {
  @Test(arguments: 1...8)
  func `flattened objects have the leaves that JSONSerialization finds`(seed: Int) throws {
    var generator = Generator(seed: UInt64(seed))
    let source = try TestSource { $0.maxFields = 4096 }
    for _ in 0..<150 {
      let message = object(&generator, depth: 0)
      let parsed = try #require(try JSONSerialization.jsonObject(with: Data(message.utf8)) as? [String: Any])
      var expected: [String: Float] = [:]
      flatten(parsed, "", &expected)
      let decoded = source.events(message)[0]
      if expected.isEmpty {
        #expect(decoded.refusal == .noNumbers)
      } else {
        #expect(decoded.refusal == nil)
        #expect(decoded.dictionary == expected, "\(message)")
      }
    }
  }

  @Test func `numbers are read to the same float as by Foundation`() throws {
    var generator = Generator(seed: 99)
    let source = try TestSource { $0.maxFields = 4096 }
    let texts = (0..<3000).map { _ in number(&generator) }
    let message = "{\"values\":[\(texts.joined(separator: ","))]}"
    let decoded = source.events(message)[0]
    let expected = try JSONDecoder().decode([String: [Double]].self, from: Data(message.utf8))["values"] ?? []
    #expect(decoded.values.map(\.value) == expected.map { Float($0) })
  }

  @Test(arguments: 1...4)
  func `what JSONSerialization refuses is refused, and what it accepts is accepted`(seed: Int) throws {
    var generator = Generator(seed: UInt64(1000 + seed))
    let source = try TestSource { $0.maxFields = 4096 }
    var refused = 0
    for _ in 0..<1500 {
      var bytes = Array(object(&generator, depth: 1).utf8)
      for _ in 0..<Int.random(in: 1...2, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        let junk = Array(#"{}[]",:0123456789.eE+-truefalsn\ /x"#.utf8)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = junk.randomElement(using: &generator) ?? 0
        case 1: bytes.remove(at: index)
        default: bytes.insert(junk.randomElement(using: &generator) ?? 0, at: index)
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      let ours: Bool
      switch source.outcome(bytes) {
      case .events, .dropped: ours = true
      case .refused(let refusal):
        // Well-formed, but of no use: that is another matter than being well-formed.
        ours = [.unknownShape, .noNumbers, .tooDeep, .nameTooLong].contains(refusal)
      }
      if theirs != ours, !isKnownDifference(bytes) {
        Issue.record("\(String(decoding: bytes, as: UTF8.self)): theirs \(theirs), ours \(ours)")
      }
      if !ours { refused += 1 }
    }
    #expect(refused > 300)
  }

  /// Foundation refuses numbers out of a double's range, which count as missing here.
  private func isKnownDifference(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes, as: UTF8.self).contains(/[0-9]{3,}|[eE][+-]?[0-9]{3}/)
  }

  // MARK: Documents

  private func object(_ generator: inout Generator, depth: Int) -> String {
    var members: [String] = []
    var names: Set<String> = []
    for _ in 0..<Int.random(in: 0...8, using: &generator) {
      let name = name(&generator)
      if names.insert(name).inserted {
        members.append(
          "\(space(&generator))\"\(name)\"\(space(&generator)):\(value(&generator, depth: depth + 1))")
      }
    }
    return "{\(members.joined(separator: ","))\(space(&generator))}"
  }

  private func value(_ generator: inout Generator, depth: Int) -> String {
    let space = space(&generator)
    switch Int.random(in: 0..<(depth > 4 ? 7 : 10), using: &generator) {
    case 0...3: return space + number(&generator)
    case 4: return space + (Bool.random(using: &generator) ? "true" : "false")
    case 5: return space + "null"
    case 6: return space + "\"\(name(&generator))\""
    case 7: return space + object(&generator, depth: depth)
    default:
      let count = Int.random(in: 0...4, using: &generator)
      return space + "[" + (0..<count).map { _ in value(&generator, depth: depth + 1) }.joined(separator: ",")
        + "]"
    }
  }

  private func number(_ generator: inout Generator) -> String {
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: return "\(Int.random(in: -1000...1000, using: &generator))"
    case 1: return "\(Double.random(in: -1...1, using: &generator))"
    case 2: return "\(Double.random(in: -1e6...1e6, using: &generator))"
    case 3: return "\(Float(bitPattern: UInt32.random(in: 0x2000_0000...0x5000_0000, using: &generator)))"
    default:
      return
        "\(Int.random(in: 0...9, using: &generator)).\(Int.random(in: 0...99, using: &generator))E\(Int.random(in: -20...20, using: &generator))"
    }
  }

  // No name of the envelope, and no dot, which would make two paths one.
  private func name(_ generator: inout Generator) -> String {
    let letters = ["a", "b", "c", "x", "y", "é", "€", "\\u0041", "\\n", "\\\\", "😀", "_", "-"]
    return (0..<Int.random(in: 1...12, using: &generator)).map { _ in
      letters.randomElement(using: &generator) ?? "z"
    }
    .joined()
  }

  private func space(_ generator: inout Generator) -> String {
    [" ", "", "", "", "\n", "\t "].randomElement(using: &generator) ?? ""
  }

  private func flatten(_ value: Any, _ path: String, _ leaves: inout [String: Float]) {
    switch value {
    case let object as [String: Any]:
      for (key, member) in object { flatten(member, path.isEmpty ? key : "\(path).\(key)", &leaves) }
    case let array as [Any]:
      for (index, item) in array.enumerated() { flatten(item, "\(path).\(index)", &leaves) }
    case let number as NSNumber: leaves[path] = Float(number.doubleValue)
    default: break
    }
  }
}
