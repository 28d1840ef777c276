import CPNG

/// Pictures: grey or colour, with or without transparency, of 8 or 16 bits; fewer bits and palettes are widened.
enum PNGFile {
  static func decode(_ bytes: [UInt8], name: String) throws(DataError) -> DataArray {
    var picture = unsafe cpng_picture()
    let failed = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe cpng_read(bytes.baseAddress, bytes.count, &picture)
    }
    defer { unsafe free(picture.pixels) }
    guard failed == 0, let pixels = unsafe picture.pixels else {
      let message = unsafe withUnsafeBytes(of: &picture.message) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw .damaged(name, "is no PNG that can be read (\(message))")
    }
    let (width, height) = unsafe (Int(picture.width), Int(picture.height))
    let channels = unsafe Int(picture.channels)
    let raw = unsafe [UInt8](UnsafeBufferPointer(start: pixels, count: picture.size))
    let isDeep = unsafe picture.bits == 16
    let values = (isDeep ? NumberKind.uint16 : .uint8).floats(
      raw, from: 0, count: width * height * channels, bigEndian: true)
    let levels = isDeep ? 65536 : 256
    guard channels > 1 else {
      return DataArray(shape: [1, height, width], values: values, levels: levels)
    }
    // Networks want a plane per channel.
    var planes: [Float] = []
    planes.reserveCapacity(values.count)
    for channel in 0..<channels {
      for pixel in 0..<width * height { planes.append(values[pixel * channels + channel]) }
    }
    return DataArray(shape: [1, channels, height, width], values: planes, levels: levels)
  }

  /// What a picture is, for messages.
  static func words(_ picture: DataArray) -> String {
    let shape = picture.shape
    let (width, height) = (shape[shape.count - 1], shape[shape.count - 2])
    let kind =
      switch shape.count == 4 ? shape[1] : 1 {
      case 1: "grey"
      case 2: "grey with alpha"
      case 3: "RGB"
      default: "RGB with alpha"
      }
    return "\(width) × \(height) \(kind) of \(picture.levels == 65536 ? 16 : 8) bits"
  }

  /// - Parameters:
  ///   - pixels: `height × width × channels` bytes.
  ///   - channels: 1 for grey, 3 for RGB.
  static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int, name: String)
    throws(DataError) -> [UInt8]
  {
    precondition(pixels.count == width * height * channels && (channels == 1 || channels == 3))
    guard width > 0, height > 0, width <= 1 << 20, height <= 1 << 20 else {
      throw DataError(
        .output, what: name, why: "a picture of \(width) × \(height) is no PNG",
        remedy: "write fewer samples, or a .npy file")
    }
    var pixels = pixels
    var count = 0
    let written = unsafe pixels.withUnsafeMutableBufferPointer { pixels in
      unsafe cpng_write(pixels.baseAddress, UInt32(width), UInt32(height), UInt32(channels), &count)
    }
    guard let written = unsafe written else {
      throw DataError(.output, what: name, why: "could not be made a PNG", remedy: "is there memory left?")
    }
    defer { unsafe free(written) }
    return unsafe [UInt8](UnsafeBufferPointer(start: written, count: count))
  }
}
