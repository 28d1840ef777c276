/// The kinds of files that hold data.
public enum DataFormat: String, Sendable, CaseIterable {
  case csv
  /// NumPy's own, version 1 to 3.
  case npy
  /// The format of MNIST.
  case idx
  case png
  case wav
  /// UTF-8.
  case text

  /// What the ending of a name says (`.gz` at its end does not count); nil when it says nothing.
  public init?(path: String) {
    var name = Self.lastPart(path).lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    if name.hasSuffix("-ubyte") {
      self = .idx
      return
    }
    guard let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last else {
      return nil
    }
    switch ending {
    case "csv", "data", "tsv": self = .csv
    case "npy": self = .npy
    case "idx", "idx1", "idx2", "idx3", "idx4": self = .idx
    case "png": self = .png
    case "wav", "wave": self = .wav
    case "txt", "text": self = .text
    default: return nil
    }
  }

  /// What the first bytes say; nil for CSV and text, which have no mark.
  init?(mark bytes: [UInt8]) {
    if bytes.starts(with: NPYFile.mark) {
      self = .npy
    } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
      self = .png
    } else if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WAVE".utf8)) {
      self = .wav
    } else if bytes.count >= 8, IDXFile.isMark(bytes) {
      self = .idx
    } else {
      return nil
    }
  }

  static func lastPart(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// For messages.
  static let endings = ".csv, .npy, .idx, .png, .wav or .txt"
}
