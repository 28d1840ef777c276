import CZlib
import Control

/// Files that may be compressed.
enum Gzip {
  /// The whole content of a file; what gzip compressed is expanded, anything else is read as it is.
  ///
  /// - Throws: ``Failure`` when the file cannot be opened, is cut off or is damaged.
  static func bytes(ofFile path: String) throws(Failure) -> [UInt8] {
    guard let file = unsafe gzopen(path, "rb") else {
      throw Failure(
        .input, what: path, why: "cannot be opened", remedy: "give the path of a file that may be read")
    }
    defer { unsafe gzclose(file) }
    unsafe gzbuffer(file, 1 << 18)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe gzread(file, buffer.baseAddress, UInt32(buffer.count))
      }
      var code: Int32 = 0
      unsafe gzerror(file, &code)
      if count < 0 || code < Z_OK {
        throw Failure(
          .data, what: path, why: code == Z_BUF_ERROR ? "ends early" : "is damaged or no file",
          remedy: "make or fetch it again")
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[0..<Int(count)])
    }
  }
}
