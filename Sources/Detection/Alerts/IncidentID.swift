/// Names of incidents in the form of a ULID: 48 bits of event time in milliseconds and 80 random bits, as 26 characters
/// of Crockford's base 32; sorting them sorts by time.
enum IncidentID {
  private static let alphabet: [Character] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

  /// - Parameters:
  ///   - time: seconds since 1970; before 1970 counts as 0.
  ///   - seed: of one life of a process.
  ///   - stream: so that two streams of one seed never share a name.
  ///   - counter: of the incidents of this stream.
  static func make(time: Double, seed: UInt64, stream: UInt64, counter: UInt64) -> String {
    let milliseconds = UInt64(min(max(time * 1000, 0), 281_474_976_710_655))
    var random = SplitMix64(seed: mix(seed ^ mix(stream &+ mix(counter))))
    let low = random.next()
    let high = random.next() & 0xffff
    var text = ""
    for digit in (0..<10).reversed() { text.append(alphabet[Int(milliseconds >> UInt64(5 * digit) & 31)]) }
    // 80 bits: 16 of `high`, then 64 of `low`.
    for digit in (0..<16).reversed() {
      let shift = UInt64(5 * digit)
      var bits = shift < 64 ? low >> shift : 0
      if shift > 59 { bits |= shift >= 64 ? high >> (shift - 64) : high << (64 - shift) }
      text.append(alphabet[Int(bits & 31)])
    }
    return text
  }

  /// FNV-1a over the name, well mixed.
  static func hash(_ name: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return mix(hash)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var random = SplitMix64(seed: value)
    return random.next()
  }
}

/// Steele, Lea & Flood, OOPSLA 2014: small, seeded, good enough for names and planted faults.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// 0…1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
