import Detection
import Foundation
import Logging
import Pipeline
import Testing
import Wire

@testable import Settings

@Suite struct PackagedConfigTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("config/anomalyd.yaml").path

  @Test func `the packaged file is the defaults, and so is an empty one`() throws {
    let (settings, remarks) = try DaemonSettings.load(file: Self.file)
    #expect(settings == DaemonSettings())
    #expect(remarks.isEmpty)
    for text in ["", "# nothing\n", "---\n", "publish:\nlog: {}\n"] {
      #expect(try DaemonSettings.parse(text, file: "c.yaml").settings == DaemonSettings())
    }
  }

  @Test func `the packaged file is the manual: it has every key, and no other`() throws {
    let text = try String(contentsOfFile: Self.file, encoding: .utf8)
    let reader = DaemonSettings.read(text, file: Self.file, environment: [:]).reader
    #expect(reader.problems.isEmpty)
    #expect(reader.keys.filter { !reader.foundKeys.contains($0) } == [])
    #expect(reader.keys.count > 80)
  }

  @Test func `the examples in its comments are right`() throws {
    let text = try String(contentsOfFile: Self.file, encoding: .utf8)
    let examples = try #require(text.range(of: "# Examples of sources")).upperBound
    let lines = text[examples...].split(separator: "\n").filter { $0.hasPrefix("#  ") }.map { $0.dropFirst() }
    let ingest = try DaemonSettings.parse("sources:\n" + lines.joined(separator: "\n"), file: "examples")
      .settings
      .pipeline.ingest
    #expect(ingest.sources.map(\.name) == ["circus", "glances", "rsyslog", "vibration", "telegraf"])
    // Those that stand beside it as whole configs say the same, and nothing else.
    let folder = URL(fileURLWithPath: Self.file).deletingLastPathComponent().appendingPathComponent(
      "examples")
    for source in ingest.sources.prefix(3) {
      var expected = DaemonSettings()
      expected.pipeline.ingest.sources = [source]
      let file = folder.appendingPathComponent("\(source.name).yaml").path
      #expect(try DaemonSettings.load(file: file).settings == expected, "\(source.name)")
    }
    #expect(ingest.sources[3].rules.fields.count == 16 && ingest.sources[3].overflow == .block)
    #expect(ingest.sources[4].rules.format == .line)
  }

  @Test func `every key of the packaged file can be overridden by the environment`() throws {
    let variables = [
      "ANOMALYD_LOG_LEVEL": "debug", "ANOMALYD_RETRAIN_BUDGET": "50%", "ANOMALYD_RETRAIN_NEW_NORMAL": "1h30m",
      "ANOMALYD_SOURCES_0_BIND": "tcp://*:1,ipc:///tmp/x", "ANOMALYD_SOURCES_0_MAX_MESSAGE_SIZE": "1MB",
      "ANOMALYD_DETECTION_RBM_HIDDEN": "32", "ANOMALYD_STATE_DIRECTORY": "/tmp/state",
      "ANOMALYD_PUBLISH_SCORES": "true", "ANOMALYD_PIPELINE_FLUSH_INTERVAL": "20ms",
    ]
    for text in ["", try String(contentsOfFile: Self.file, encoding: .utf8)] {
      let settings = try DaemonSettings.parse(text, file: "c", environment: variables).settings
      #expect(settings.logLevel == .debug)
      #expect(settings.pipeline.pipeline.retrain.budget == 0.5)
      #expect(settings.pipeline.detection.newNormal == 5400)
      #expect(settings.pipeline.ingest.sources[0].endpoints == ["tcp://*:1", "ipc:///tmp/x"])
      #expect(settings.pipeline.ingest.sources[0].maxMessageSize == 1_000_000)
      #expect(settings.pipeline.detection.rbm.hidden == 32)
      #expect(settings.stateDirectory == "/tmp/state")
      #expect(settings.pipeline.pipeline.publish.scores)
      #expect(settings.pipeline.ingest.flushInterval == 20)
    }
  }
}
