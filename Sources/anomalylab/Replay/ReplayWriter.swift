import ArgumentParser
import Control
import Datasets
import Detection
import Events
import Foundation

/// The scores file of a replay. It is written beside its place and moved there when it is whole.
struct ReplayWriter {
  private let path: String
  private let handle: FileHandle
  private var pending = ""

  init(path: String, detectors: [DetectorName]) throws {
    self.path = path
    handle = try Self.file(path)
    pending = "index,ts,score,p_value,alert"
    for detector in detectors { pending += ",raw.\(detector.rawValue)" }
    pending += "\n"
  }

  mutating func write(_ result: ReplayRun.Result) throws {
    pending +=
      "\(result.index),\(Self.time(result.timestamp)),\(result.score),\(result.pValue),\(result.isAlert ? 1 : 0)"
    for raw in result.raw { pending += raw.isNaN ? "," : ",\(raw)" }
    pending += "\n"
    if pending.utf8.count > 1 << 18 { try flush() }
  }

  mutating func finish() throws {
    try flush()
    try Self.place(handle, path)
  }

  private mutating func flush() throws {
    try Self.write(pending, to: handle, path)
    pending = ""
  }

  static func write(_ alerts: [Alert], to path: String) throws {
    let handle = try file(path)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for alert in alerts {
      try write(String(decoding: try encoder.encode(alert), as: UTF8.self) + "\n", to: handle, path)
    }
    try place(handle, path)
  }

  /// A text in one go.
  static func write(_ text: String, to path: String) throws {
    let handle = try file(path)
    try write(text, to: handle, path)
    try place(handle, path)
  }

  /// Whole seconds as such, so that a file's times come back as they were written.
  private static func time(_ seconds: Double) -> String {
    seconds == seconds.rounded() && abs(seconds) < 9e15 ? "\(Int64(seconds))" : "\(seconds)"
  }

  private static func file(_ path: String) throws -> FileHandle {
    let part = FileBytes.place(before: path)
    guard part == path || FileManager.default.createFile(atPath: part, contents: nil),
      let handle = FileHandle(forWritingAtPath: part)
    else {
      throw Failure(
        .output, what: path, why: "cannot be created", remedy: "check the folder and its rights")
    }
    return handle
  }

  private static func write(_ text: String, to handle: FileHandle, _ path: String) throws {
    do {
      try handle.write(contentsOf: Data(text.utf8))
    } catch {
      throw Failure(
        .io, what: path, why: "cannot be written (\(error.localizedDescription))",
        remedy: "check that there is room on the disk")
    }
  }

  private static func place(_ handle: FileHandle, _ path: String) throws {
    do {
      try handle.close()
      let part = FileBytes.place(before: path)
      if part == path { return }
      guard unsafe rename(part, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    } catch {
      throw Failure(
        .output, what: path, why: "cannot be put in place", remedy: "check the folder and its rights")
    }
  }
}

/// A line on a terminal that says how far a command has come; silent anywhere else.
struct ProgressLine {
  let title: String
  private let isTerminal = isatty(STDERR_FILENO) == 1

  init(title: String) { self.title = title }

  func show(_ done: Int, _ all: Int) {
    guard isTerminal, done == all || done / 64 % 64 == 0 else { return }
    let width = 40
    let filled = all > 0 ? done * width / all : width
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
    put("\r\(title) [\(bar)] \(all > 0 ? done * 100 / all : 100) %")
  }

  func clear() {
    if isTerminal { put("\r\u{1b}[K") }
  }

  private func put(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// Runs a command's body; a ``Failure`` becomes one line on stderr and the exit code that belongs to it.
func ended(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let failure as Failure {
    FileHandle.standardError.write(Data("anomalylab: \(failure)\n".utf8))
    throw ExitCode(failure.kind.exitCode)
  }
}
