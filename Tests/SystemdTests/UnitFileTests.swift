import Foundation
import Testing

/// The files in `systemd/`, judged by systemd's own programs.
@Suite struct UnitFileTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("systemd").path
  static func has(_ program: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)")
  }

  func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  /// A copy of the unit that starts a program which is there.
  func unit() throws -> (folder: String, path: String) {
    let folder = FileManager.default.temporaryDirectory.path + "/unit-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = try String(contentsOfFile: Self.folder + "/anomalyd.service", encoding: .utf8)
    #expect(text.contains("ExecStart=/usr/bin/anomalyd "))
    try text.replacingOccurrences(of: "ExecStart=/usr/bin/anomalyd ", with: "ExecStart=/bin/true ")
      .write(toFile: folder + "/anomalyd.service", atomically: true, encoding: .utf8)
    return (folder, folder + "/anomalyd.service")
  }

  @Test(.enabled(if: has("systemd-analyze"))) func `the unit has no mistakes`() throws {
    let unit = try unit()
    defer { try? FileManager.default.removeItem(atPath: unit.folder) }
    let (status, output) = try run("systemd-analyze", ["verify", "--man=no", unit.path])
    #expect(status == 0)
    #expect(output == "")
  }

  @Test(.enabled(if: has("systemd-analyze"))) func `the service exposes little`() throws {
    let unit = try unit()
    defer { try? FileManager.default.removeItem(atPath: unit.folder) }
    let (status, output) = try run(
      "systemd-analyze", ["security", "--offline=true", "--threshold=15", unit.path])
    #expect(status == 0, "\(output)")
  }

  @Test(.enabled(if: has("systemd-sysusers"))) func `the user can be made`() throws {
    let root = FileManager.default.temporaryDirectory.path + "/root-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let (status, output) = try run(
      "systemd-sysusers", ["--dry-run", "--root=\(root)", Self.folder + "/anomalyd.sysusers"])
    #expect(status == 0, "\(output)")
    #expect(output.contains("Creating group 'anomalyd'") && output.contains("Creating user 'anomalyd'"))
  }

  @Test func `unit, user and directories agree on names`() throws {
    let unit = try String(contentsOfFile: Self.folder + "/anomalyd.service", encoding: .utf8)
    let directories = try String(contentsOfFile: Self.folder + "/anomalyd.tmpfiles", encoding: .utf8)
    for line in ["User=anomalyd", "Group=anomalyd", "StateDirectory=anomalyd", "RuntimeDirectory=anomalyd"] {
      #expect(unit.contains("\n\(line)\n"))
    }
    for path in ["/var/lib/anomalyd", "/run/anomalyd"] {
      #expect(directories.contains("\nd     \(path)"))
    }
  }
}
