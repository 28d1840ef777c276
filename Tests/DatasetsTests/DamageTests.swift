import Datasets
import Tensors
import Testing

/// Nothing in a file is believed.
@Suite struct DamageTests {
  @Test func `a header that promises too much is refused before memory is taken`() throws {
    #expect(refusal { try Fixtures.read("lying.png") }?.contains("too short for the size") == true)
    for shape in [
      "(1099511627776, 1099511627776)", "(4611686018427387904, 4)", "(99999999999999999999,)", "(-3, 4)",
    ] {
      var bytes = try Fixtures.bytes("f4.npy")
      let text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
      bytes.replaceSubrange(10..<10 + text.utf8.count, with: text.utf8)
      #expect(refusal { try DataFile.decode(bytes, name: "t.npy") } != nil, "\(shape)")
    }
    var idx = try Fixtures.bytes("type08.idx")
    for place in 4..<16 { idx[place] = 0xff }
    #expect(refusal { try DataFile.decode(idx, name: "t.idx") }?.contains("too few for the shape") == true)
    var sound = try Fixtures.bytes("pcm16.wav")
    sound[40] = 0xff
    #expect(refusal { try DataFile.decode(sound, name: "t.wav") }?.contains("ends early") == true)
  }

  @Test(arguments: Fixtures.names + ["table.csv", "text.txt"])
  func `a damaged file is read or refused, never trusted`(name: String) throws {
    let whole: [UInt8] =
      switch name {
      case "table.csv": Array("a,\"b\",c\n1,2.5,-3e4\nnan,,\"7\"\n".utf8)
      case "text.txt": Array("größer, ¼ € 𝄞\nend".utf8)
      default: try Fixtures.bytes(name)
      }
    var random = RandomStream(seed: 7)
    for _ in 0..<250 {
      var bytes = whole
      for _ in 0...random.below(3) { mutate(&bytes, &random) }
      do throws(DataError) {
        let array = try DataFile.decode(bytes, name: name, .init(textColumns: ["a"]))
        #expect(array.values.count == array.shape.reduce(1, *))
        #expect(array.values.allSatisfy { $0.isFinite })
      } catch {
        #expect(error.kind == .data)
      }
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout RandomStream) {
    guard !bytes.isEmpty else { return }
    let place = random.below(bytes.count)
    switch random.below(6) {
    case 0: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1: bytes[place] = UInt8(random.below(256))
    case 2: bytes.removeLast(random.below(bytes.count))
    case 3: bytes.insert(UInt8(random.below(256)), at: place)
    case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
    // Where sizes stand.
    default:
      for at in place..<min(bytes.count, place + 4) { bytes[at] = random.bernoulli(0.5) ? 0xff : 0 }
    }
  }
}
