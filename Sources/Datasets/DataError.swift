/// Why a data file cannot be read or written: one line that says what, why and what to do.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Named after sysexits(3).
  public enum Kind: String, Sendable, CaseIterable {
    /// The content is wrong.
    case data
    /// The file is not there or may not be read.
    case input
    /// The file cannot be created.
    case output
    /// Writing ended early.
    case io
  }

  public var kind: Kind
  /// The file and the place in it.
  public var what: String
  public var why: String
  /// What to do.
  public var remedy: String

  public init(_ kind: Kind, what: String, why: String, remedy: String) {
    self.kind = kind
    self.what = what
    self.why = why
    self.remedy = remedy
  }

  /// `what: why: what to do`
  public var description: String { "\(what): \(why): \(remedy)" }

  static func damaged(_ name: String, _ why: String) -> DataError {
    DataError(.data, what: name, why: why, remedy: "make or fetch it again")
  }
}
