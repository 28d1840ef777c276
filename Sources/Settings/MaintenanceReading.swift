import Foundation
import Pipeline
import Wire

/// The list `maintenance`.
enum MaintenanceReading {
  /// Bytes of a calendar file.
  private static let largest = 4 << 20

  static func read(_ root: ConfigSection, _ windows: inout [MaintenanceWindow]) {
    var read: [MaintenanceWindow] = []
    root.sections("maintenance") { section in
      var streams = ["*"]
      var file: String?
      var from = Double.nan
      var to = Double.nan
      section.texts("streams", &streams)
      section.text("calendar", &file, absence: "none")
      section.moment("from", &from)
      section.moment("to", &to)
      let times: [ClosedRange<Double>]
      if let file {
        if section.has("from") || section.has("to") {
          section.report("calendar", "has times of its own: make two windows of it, one with from and to")
        }
        guard let found = calendar(file, section) else { return }
        times = found
      } else {
        guard from.isFinite, to.isFinite else {
          section.report("", "needs `from` and `to`, or a `calendar`")
          return
        }
        guard from < to else { return section.report("to", "lies before from") }
        times = [from...to]
      }
      read.append(MaintenanceWindow(streams: Globs(streams), times: times))
    }
    windows = read
  }

  private static func calendar(_ file: String, _ section: ConfigSection) -> [ClosedRange<Double>]? {
    guard file.hasPrefix("/") else {
      section.report("calendar", "has to be an absolute path")
      return nil
    }
    guard let data = FileManager.default.contents(atPath: file), data.count <= largest,
      let text = String(validating: data, as: UTF8.self)
    else {
      section.report("calendar", "\"\(file)\" is no text file that can be read")
      return nil
    }
    do throws(CalendarFile.Mistake) {
      return try CalendarFile(text).times
    } catch {
      section.report("calendar", "\(file):\(error.line): \(error.what)")
      return nil
    }
  }
}
