import CSystemd
import Glibc

/// The journal's own way in: fields instead of lines.
enum Journal {
  static func ownsStandardError() -> Bool {
    guard let text = unsafe getenv("JOURNAL_STREAM").map({ unsafe String(cString: $0) }) else { return false }
    var status = stat()
    guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return false }
    return text == "\(status.st_dev):\(status.st_ino)"
  }

  /// - Parameters:
  ///   - fields: `NAME=value` each; a value may hold any bytes, line breaks too.
  /// - Returns: 0, or a negative errno. Also 0 when there is no journal.
  static func send(_ fields: [String]) -> Int32 {
    let bytes = fields.map { Array($0.utf8) }
    var flat: [UInt8] = []
    for field in bytes { flat.append(contentsOf: field) }
    return unsafe flat.withUnsafeMutableBytes { raw in
      var vectors: [iovec] = unsafe []
      var at = 0
      for field in bytes {
        unsafe vectors.append(iovec(iov_base: raw.baseAddress.map { unsafe $0 + at }, iov_len: field.count))
        at += field.count
      }
      return unsafe sd_journal_sendv(vectors, Int32(vectors.count))
    }
  }
}
