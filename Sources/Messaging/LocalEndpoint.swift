import Glibc

/// Endpoints in the file system. Binding to one takes it away from whoever listens there, without a word; so it is asked
/// for first.
enum LocalEndpoint {
  private static let scheme = "ipc://"

  /// Whether somebody listens at an `ipc://PATH`; a file that was left behind by a program that is gone does not count.
  /// False for all other endpoints: for these the system itself says so.
  static func isInUse(_ endpoint: String) -> Bool {
    guard endpoint.hasPrefix(scheme) else { return false }
    let path = Array(endpoint.utf8.dropFirst(scheme.utf8.count))
    var address = sockaddr_un()
    // An abstract name (@NAME) is no file.
    guard let first = path.first, first != UInt8(ascii: "@"), first != UInt8(ascii: "*"),
      path.count < MemoryLayout.size(ofValue: address.sun_path)
    else { return false }
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let caller = socket(AF_UNIX, type, 0)
    guard caller >= 0 else { return false }
    defer { close(caller) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isTaken = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(caller, $0, size) == 0 }
    }
    // A listener with a full queue is one too.
    return isTaken || errno == EAGAIN
  }
}
