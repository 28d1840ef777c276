import CZlib
import Glibc

/// The bytes of files: expanded when read, whole or not at all when written.
public enum FileBytes {
  /// What a file may hold when expanded; a few bytes of gzip can stand for any amount.
  public static let mostBytes = 1 << 33

  /// The whole content of a file; what gzip compressed is expanded, anything else is read as it is.
  ///
  /// - Throws: ``DataError`` when the file cannot be opened, is cut off or is damaged.
  public static func read(_ path: String) throws(DataError) -> [UInt8] {
    guard !isFolder(path), let file = unsafe gzopen(path, "rb") else {
      throw DataError(
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
        throw DataError.damaged(path, code == Z_BUF_ERROR ? "ends early" : "is damaged or no file")
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[0..<Int(count)])
      guard bytes.count <= mostBytes else {
        throw DataError(
          .data, what: path, why: "holds more than \(mostBytes >> 30) GiB", remedy: "cut it into parts")
      }
    }
  }

  /// Where a file is written until it is whole: beside its place.
  ///
  /// What is there and is no file (`/dev/null`, a terminal, a pipe) is written to as it is: moving a file there would take it away
  /// from everybody else.
  public static func place(before path: String) -> String {
    var status = stat()
    let isOther = unsafe stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    return isOther ? path : path + ".part"
  }

  private static func isPlaced(_ beside: String, _ path: String) -> Bool {
    if beside == path { return true }
    return unsafe rename(beside, path) == 0
  }

  /// Replaces a file: written beside its place and moved there when whole; compressed when its name ends with `.gz`.
  public static func write(_ bytes: [UInt8], to path: String) throws(DataError) {
    let beside = place(before: path)
    guard let file = unsafe gzopen(beside, path.hasSuffix(".gz") ? "wb9" : "wbT") else {
      throw DataError(
        .output, what: path, why: "cannot be created", remedy: "check the folder and its rights")
    }
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        let piece = min(buffer.count - written, 1 << 20)
        return unsafe gzwrite(file, buffer.baseAddress.map { unsafe $0 + written }, UInt32(piece))
      }
      guard count > 0 else { break }
      written += Int(count)
    }
    let isClosed = unsafe gzclose(file) == Z_OK
    guard written == bytes.count, isClosed, isPlaced(beside, path) else {
      if beside != path { unsafe unlink(beside) }
      throw DataError(
        .io, what: path, why: "cannot be written", remedy: "check that there is room on the disk")
    }
  }

  /// Asks whether ``write(_:to:)`` could begin now: for those who compute for long before they write. Changes no file.
  ///
  /// - Throws: the ``DataError`` that it would end with.
  public static func checkWritable(_ path: String) throws(DataError) {
    let beside = place(before: path)
    let isNew = unsafe access(beside, F_OK) != 0
    let file = unsafe open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard file >= 0, !isFolder(path) else {
      throw DataError(
        .output, what: path, why: "cannot be created", remedy: "check the folder and its rights")
    }
    close(file)
    if isNew { unsafe unlink(beside) }
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a folder, sorted.
  static func names(inFolder path: String) throws(DataError) -> [String] {
    guard let folder = unsafe opendir(path) else {
      throw DataError(
        .input, what: path, why: "cannot be opened", remedy: "give the path of a folder that may be read")
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
