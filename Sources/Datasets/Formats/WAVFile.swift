/// Sound: PCM of 8, 16, 24 or 32 bits and float of 32 or 64, mixed to one channel, from −1 to 1 (RIFF, Microsoft 1991).
enum WAVFile {
  private struct Sound {
    var channels: Int
    var rate: Int
    var kind: NumberKind
  }

  static func decode(_ bytes: [UInt8], name: String) throws(DataError) -> DataArray {
    var reader = ByteReader(bytes, at: 12)
    guard bytes.count >= 12, bytes.starts(with: Array("RIFF".utf8)),
      bytes[8..<12].elementsEqual("WAVE".utf8)
    else { throw .damaged(name, "does not begin as a WAV file") }
    var sound: Sound?
    while let tag = reader.take(4), let length = reader.number(4) {
      switch String(decoding: tag, as: UTF8.self) {
      case "fmt ":
        guard let body = reader.take(length) else { throw .damaged(name, "ends within its format") }
        sound = try Self.sound(Array(body), name)
      case "data":
        guard let sound else { throw .damaged(name, "has sound before it says of what kind") }
        // Programs that stream write a length of 0 or of all ones: what is there counts.
        let there = length == 0 || length > reader.left ? reader.left : length
        guard length <= reader.left || length >= 0x7fff_0000 else {
          throw .damaged(name, "ends early: \(reader.left) of \(length) bytes of sound are there")
        }
        return try samples(sound, bytes, reader.at, there, name)
      default:
        // Parts begin at even places.
        guard reader.take(length) != nil else { throw .damaged(name, "ends early") }
      }
      if length % 2 == 1 { _ = reader.take(1) }
    }
    throw .damaged(name, "has no sound")
  }

  private static func sound(_ body: [UInt8], _ name: String) throws(DataError) -> Sound {
    var reader = ByteReader(body)
    guard var code = reader.number(2), let channels = reader.number(2), let rate = reader.number(4),
      reader.take(6) != nil, let bits = reader.number(2)
    else { throw .damaged(name, "has a format that is cut off") }
    // Extensible: the code stands at the begin of a longer one.
    if code == 0xfffe {
      guard reader.take(8) != nil, let longer = reader.number(2) else {
        throw .damaged(name, "has a format that is cut off")
      }
      code = longer
    }
    let kind: NumberKind? =
      switch (code, bits) {
      case (1, 8): .uint8
      case (1, 16): .int16
      case (1, 24): .int24
      case (1, 32): .int32
      case (3, 32): .float32
      case (3, 64): .float64
      default: nil
      }
    guard let kind else {
      throw DataError(
        .data, what: name, why: "is of the kind \(code) with \(bits) bits, which is not read",
        remedy: "convert it to PCM of 16 bits: ffmpeg -i FILE -c:a pcm_s16le OUT.wav")
    }
    guard (1...64).contains(channels), (1...1_000_000).contains(rate) else {
      throw .damaged(name, "says that it has \(channels) channels of \(rate) samples a second")
    }
    return Sound(channels: channels, rate: rate, kind: kind)
  }

  private static func samples(
    _ sound: Sound, _ bytes: [UInt8], _ start: Int, _ length: Int, _ name: String
  ) throws(DataError) -> DataArray {
    let moments = length / (sound.kind.size * sound.channels)
    guard moments > 0 else {
      throw DataError(.data, what: name, why: "holds no sound", remedy: "give at least one sample")
    }
    let raw = sound.kind.floats(bytes, from: start, count: moments * sound.channels)
    let (offset, scale): (Float, Float) =
      switch sound.kind {
      case .uint8: (128, 1 / 128)
      case .int16: (0, 1 / 32768)
      case .int24: (0, 1 / 8_388_608)
      case .int32: (0, 1 / 2_147_483_648)
      default: (0, 1)
      }
    let factor = scale / Float(sound.channels)
    var values = (0..<moments).map { moment in
      var sum: Float = 0
      for channel in 0..<sound.channels { sum += raw[moment * sound.channels + channel] - offset }
      return sum * factor
    }
    let mask = sound.kind.isFloat ? separatingMissing(&values) : nil
    var array = DataArray(shape: [moments], values: values, mask: mask)
    array.sampleRate = sound.rate
    return array
  }

  /// PCM of 16 bits, one channel; several recordings follow each other with a quarter of a second of silence.
  static func encode(_ array: DataArray, name: String, sampleRate: Int) throws(DataError) -> [UInt8] {
    let recordings = array.shape.count == 1 ? 1 : array.rows
    let length = array.values.count / max(recordings, 1)
    let silence = sampleRate / 4
    let samples = recordings * length + max(recordings - 1, 0) * silence
    guard samples > 0, samples <= 1 << 30 else {
      throw DataError(
        .output, what: name, why: "\(samples) samples are no WAV", remedy: "write fewer, or a .npy file")
    }
    var bytes = Array("RIFF".utf8)
    bytes.append(number: 36 + 2 * samples, size: 4)
    bytes += Array("WAVEfmt ".utf8)
    for (number, size) in [(16, 4), (1, 2), (1, 2), (sampleRate, 4), (2 * sampleRate, 4), (2, 2), (16, 2)] {
      bytes.append(number: number, size: size)
    }
    bytes += Array("data".utf8)
    bytes.append(number: 2 * samples, size: 4)
    bytes.reserveCapacity(bytes.count + 2 * samples)
    for recording in 0..<recordings {
      if recording > 0 { bytes += Array(repeating: 0, count: 2 * silence) }
      for value in array.values[recording * length..<(recording + 1) * length] {
        let sample = value.isFinite ? (value * 32768).rounded() : 0
        bytes.append(number: Int16(max(-32768, min(32767, sample))), size: 2)
      }
    }
    return bytes
  }
}
