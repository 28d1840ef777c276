import Glibc

/// What is wrong with the bytes of a file. A damaged file is never trusted, and never fatal where an older one is there.
public enum Damage: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file ends at this byte although its header says that it is longer.
  case truncated(atByte: Int, of: Int)
  /// There are more bytes than the header says.
  case trailing(bytes: Int)
  /// The content does not give the checksum that was written with it.
  case checksum
  /// The file does not begin as one of ours does.
  case notOurs
  /// Ours, but of another kind than was asked for.
  case wrongKind(found: String, expected: String)
  /// Written by a newer program.
  case newerVersion(found: Int, known: Int)
  /// The checksum holds, yet the content is not what it should be.
  case malformed(String)

  public var description: String {
    switch self {
    case .truncated(let byte, let size): "truncated at byte \(byte) of \(size)"
    case .trailing(let bytes): "\(bytes) bytes too many at its end"
    case .checksum: "its checksum does not match its content"
    case .notOurs: "not a file of anomalyd"
    case .wrongKind(let found, let expected): "a file of kind \(found), not \(expected)"
    case .newerVersion(let found, let known):
      "written in version \(found) of the format by a newer anomalyd; this one knows version \(known)"
    case .malformed(let what): what
    }
  }
}

/// Why something could not be kept or read. None of these is fatal to the caller: what was there before is still there.
public enum ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No room left: the disk, a quota or a size limit.
  case full(path: String)
  /// The file system or the file cannot be written.
  case readOnly(path: String)
  /// The user that runs this may not.
  case denied(path: String)
  case missing(path: String)
  /// Another process holds it.
  case inUse(path: String)
  case damaged(path: String, Damage)
  /// Two names that should never have met share a file: the one that is there is kept.
  case nameTaken(path: String, by: String)
  /// Anything else the system said; `code` is errno(3), or SQLite's result code where `operation` says so.
  case system(operation: String, path: String, code: Int32, text: String)

  public var description: String {
    switch self {
    case .full(let path): "\(path): no space left: free some or give the state directory another place"
    case .readOnly(let path): "\(path): cannot be written: the file system is read-only"
    case .denied(let path): "\(path): permission denied: the user that runs this needs to own it"
    case .missing(let path): "\(path): no such file"
    case .inUse(let path): "\(path): in use by another process: stop it or choose another state directory"
    case .damaged(let path, let damage): "\(path): damaged: \(damage)"
    case .nameTaken(let path, let owner): "\(path): belongs to \(owner)"
    case .system(let operation, let path, _, let text): "\(path): \(operation): \(text)"
    }
  }

  /// The error that errno stands for.
  init(_ operation: String, _ path: String, code: Int32) {
    switch code {
    case ENOSPC, EDQUOT, EFBIG: self = .full(path: path)
    case EROFS: self = .readOnly(path: path)
    case EACCES, EPERM: self = .denied(path: path)
    case ENOENT: self = .missing(path: path)
    default:
      self = .system(
        operation: operation, path: path, code: code, text: unsafe String(cString: strerror(code)))
    }
  }
}

/// A damaged file that was moved out of the way, for the log: what it was, what was wrong, where it lies now.
public struct SetAside: Sendable, Equatable, CustomStringConvertible {
  public let path: String
  public let damage: Damage
  /// Nil when it could not even be moved.
  public let movedTo: String?
  /// What is used in its place, as a sentence's end: "the previous version is used".
  public let instead: String

  public var description: String {
    let place = movedTo.map { "set aside as \($0)" } ?? "left where it is"
    return "\(path): damaged: \(damage): \(place); \(instead)"
  }
}
