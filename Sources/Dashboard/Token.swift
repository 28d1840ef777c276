public import Control
import Foundation

/// What a changing call over HTTP has to come with: whoever can read the state directory can read it.
public struct Token: Sendable {
  private let bytes: [UInt8]

  /// - Parameter text: at least 16 letters.
  init(_ text: String) { bytes = Array(text.utf8) }

  /// Whether it is the one; takes the same time however much of it is right.
  func matches(_ given: String) -> Bool {
    let given = Array(given.utf8)
    var difference = UInt(truncatingIfNeeded: given.count ^ bytes.count)
    for index in bytes.indices {
      difference |= UInt(bytes[index] ^ (index < given.count ? given[index] : 0))
    }
    return difference == 0
  }

  /// Reads the token from a file; makes one of the given randomness when there is none.
  ///
  /// - Throws: `Failure` of kind `io` when it can be neither read nor written.
  public static func keep(at path: String, random: () -> UInt64) throws(Failure) -> Token {
    if let text = try? String(contentsOfFile: path, encoding: .utf8) {
      let token = text.filter { !$0.isWhitespace }
      if token.utf8.count >= 16 { return Token(token) }
      unsafe unlink(path)
    }
    let token = (0..<4).map { _ in
      let digits = String(random(), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    // For the owner and the group of the service, never for others.
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw failure(path) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try handle.write(contentsOf: Data((token + "\n").utf8))
      try handle.close()
    } catch {
      unsafe unlink(path)
      throw failure(path)
    }
    return Token(token)
  }

  private static func failure(_ path: String) -> Failure {
    Failure(
      .io, what: path, why: unsafe String(cString: strerror(errno)),
      remedy: "make the state directory writable")
  }
}
