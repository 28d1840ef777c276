import Glibc

/// An open file. Closed when it goes out of scope; every call is repeated when a signal interrupts it.
struct Descriptor: ~Copyable {
  enum Mode {
    /// Only read.
    case reading
    /// Read and written in place; made when it is not there.
    case updating
    /// Read and written in place; has to be there.
    case changing
    /// Made new, empty, replacing what has that name.
    case making
    /// A folder, to make a rename within it durable.
    case folder
  }

  let path: String
  private let number: Int32

  init(_ mode: Mode, _ path: String) throws(ArchiveError) {
    let flags: Int32 =
      switch mode {
      case .reading: O_RDONLY
      case .updating: O_RDWR | O_CREAT
      case .changing: O_RDWR
      case .making: O_RDWR | O_CREAT | O_TRUNC
      case .folder: O_RDONLY | O_DIRECTORY
      }
    var number: Int32
    repeat { number = unsafe open(path, flags | O_CLOEXEC, 0o640) } while number < 0 && errno == EINTR
    guard number >= 0 else { throw ArchiveError("open", path, code: errno) }
    self.path = path
    self.number = number
  }

  deinit { _ = close(number) }

  func size() throws(ArchiveError) -> Int {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else { throw ArchiveError("stat", path, code: errno) }
    return Int(status.st_size)
  }

  /// Whether the file was neither removed nor replaced by another since it was opened.
  var hasName: Bool {
    var status = stat()
    return unsafe fstat(number, &status) == 0 && status.st_nlink > 0
  }

  /// Reads up to `count` bytes from `offset` on into the start of `buffer`, which grows as needed.
  ///
  /// - Returns: how many there were; fewer than `count` only at the end of the file.
  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(ArchiveError) -> Int {
    if buffer.count < count { buffer.append(contentsOf: repeatElement(0, count: count - buffer.count)) }
    var done = 0
    while done < count {
      let got = unsafe buffer.withUnsafeMutableBytes {
        unsafe pread(number, $0.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
      }
      if got < 0 {
        if errno == EINTR { continue }
        throw ArchiveError("read", path, code: errno)
      }
      if got == 0 { break }
      done += got
    }
    return done
  }

  /// Writes `bytes[range]` at `offset`.
  func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(ArchiveError) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= bytes.count, "range \(range) of \(bytes.count) bytes")
    var done = 0
    while done < range.count {
      let put = unsafe bytes.withUnsafeBytes {
        unsafe pwrite(
          number, $0.baseAddress.map { unsafe $0 + range.lowerBound + done }, range.count - done,
          off_t(offset + done))
      }
      if put < 0 {
        if errno == EINTR { continue }
        throw ArchiveError("write", path, code: errno)
      }
      done += put
    }
  }

  /// Returns when the bytes are on the disk.
  func synchronize() throws(ArchiveError) {
    guard fsync(number) == 0 else { throw ArchiveError("sync", path, code: errno) }
  }

  /// Takes the file for this process alone, without waiting.
  ///
  /// - Returns: false when another process has it.
  func lock() throws(ArchiveError) -> Bool {
    if flock(number, LOCK_EX | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw ArchiveError("lock", path, code: errno)
  }
}

/// Folders and names of files.
enum Folder {
  static func make(_ path: String) throws(ArchiveError) {
    if unsafe mkdir(path, 0o750) == 0 { return }
    switch errno {
    case EEXIST: return
    case ENOENT:
      guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { fallthrough }
      try make(String(path[..<slash]))
      if unsafe mkdir(path, 0o750) != 0 && errno != EEXIST { throw ArchiveError("mkdir", path, code: errno) }
    default: throw ArchiveError("mkdir", path, code: errno)
    }
  }

  /// The names in a folder, sorted; none when it is not there.
  static func list(_ path: String) throws(ArchiveError) -> [String] {
    guard let folder = unsafe opendir(path) else {
      if errno == ENOENT { return [] }
      throw ArchiveError("list", path, code: errno)
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  static func rename(_ old: String, to new: String) throws(ArchiveError) {
    guard unsafe Glibc.rename(old, new) == 0 else { throw ArchiveError("rename", old, code: errno) }
  }

  /// A second name for the same file; replaces nothing.
  static func link(_ old: String, as new: String) throws(ArchiveError) {
    guard unsafe Glibc.link(old, new) == 0 else { throw ArchiveError("link", new, code: errno) }
  }

  /// Removes a file; it is no error when it is not there.
  static func remove(_ path: String) throws(ArchiveError) {
    if unsafe unlink(path) != 0 && errno != ENOENT { throw ArchiveError("remove", path, code: errno) }
  }

  /// Removes an empty folder; one that is not empty stays.
  static func removeEmpty(_ path: String) { _ = unsafe rmdir(path) }

  static func synchronize(_ path: String) throws(ArchiveError) {
    try Descriptor(.folder, path).synchronize()
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func name(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path }
    return String(path[path.index(after: slash)...])
  }
}
