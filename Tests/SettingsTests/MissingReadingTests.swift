import Detection
import Pipeline
import Testing

@testable import Settings

/// What stands in for missing values, and how late events may come, as a config says it.
struct MissingReadingTests {
  @Test func `a policy holds for all streams or for some, and what a stream leaves out holds as usual`()
    throws
  {
    let text = """
      detection:
        missing: previous
        previous_for: 4
        lateness: 90s
        models:
          names: vae
      streams:
        - match: "press-*"
          missing: model
        - match: boiler
          models: none
      """
    let pipeline = try DaemonSettings.parse(text, file: "c.yaml").settings.pipeline
    #expect(pipeline.detection.missing == .previous)
    #expect(pipeline.detection.previousFor == 4 && pipeline.detection.lateness == 90)
    #expect(pipeline.exceptions.map(\.missing) == [.model, .previous])
    #expect(pipeline.exceptions.map { $0.models.map(\.rawValue) } == [["vae"], []])
  }

  @Test func `the model's policy takes the RBM, and an unknown word is told with what is right`() {
    let none = "detection: {missing: model, rbm: {enabled: false}}"
    for (text, message) in [
      (none, "detection.missing: is model, which takes the RBM"),
      (
        "detection: {rbm: {enabled: false}}\nstreams: [{match: a, missing: model}]",
        "streams[0].missing: is model, which takes the RBM"
      ), ("detection: {missing: modle}", "model"), ("detection: {previous_for: 0}", "1 to 1000"),
      ("detection: {lateness: -1s}", "lateness"),
    ] {
      do {
        _ = try DaemonSettings.parse(text, file: "c.yaml")
        Issue.record("no complaint about \(text)")
      } catch {
        #expect("\(error)".contains(message), "\(error)")
      }
    }
  }
}
