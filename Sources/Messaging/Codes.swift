import CZeroMQ
import Glibc

extension MessagingError {
  /// The error of the libzmq call that has just failed on this thread.
  static func last(_ subject: String) -> MessagingError { of(code: zmq_errno(), subject) }

  static func of(code: Int32, _ subject: String) -> MessagingError {
    let words = unsafe zmq_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    return MessagingError(reason: reason(of: code), subject: subject, explanation: words)
  }

  private static func reason(of code: Int32) -> Reason {
    switch code {
    case EADDRINUSE: .portInUse
    case EADDRNOTAVAIL, ENODEV: .addressNotAvailable
    case EINVAL: .badEndpoint
    case EPROTONOSUPPORT, Int32(ENOCOMPATPROTO): .transportNotSupported
    case EACCES, EPERM: .permissionDenied
    case ENOENT, ENOTDIR: .noSuchFolder
    case Int32(ETERM), ENOTSOCK: .terminated
    case Int32(EFSM): .wrongState
    case EHOSTUNREACH: .unroutable
    case EMFILE, ENFILE: .tooManySockets
    default: .other(code: code)
    }
  }
}

/// Calls once more when a signal interrupted it.
@inline(__always)
func uninterrupted(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    if result != -1 || zmq_errno() != EINTR { return result }
  }
}
