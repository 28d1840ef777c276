import Foundation
import Testing

@testable import Pipeline

@Suite struct LoggedEventTests {
  @Test func `the journal's catalogue explains every kind of entry, and no other`() throws {
    var folder = URL(filePath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    let text = try String(contentsOf: folder.appending(path: "systemd/anomalyd.catalog"), encoding: .utf8)
    let explained = text.split(separator: "\n").filter { $0.hasPrefix("-- ") }.map { String($0.dropFirst(3)) }
    #expect(explained.sorted() == LoggedEvent.allCases.map(\.rawValue).sorted())
    #expect(explained.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
  }
}
