import Archive
import Control
import Detection
import Events
import Generative

extension AnomalyPipeline {
  func modelList(_ stream: String?) throws -> ModelList {
    if let stream {
      return ModelList(models: try onShard(of: stream) { state, local in state.modelSummaries(of: local) })
    }
    let all = onEveryShard { state in state.streams.indices.flatMap { state.modelSummaries(of: $0) } }
      .flatMap(\.self).map { model in
        // Of thousands of streams the curves would be most of the answer: they come with one stream's models.
        var model = model
        model.curve = []
        return model
      }
    return ModelList(models: all.sorted { ($0.stream ?? "", $0.detector) < ($1.stream ?? "", $1.detector) })
  }

  /// Kept on disk before it is acknowledged; done when the trainer comes to it.
  func retrain(_ stream: String?) throws -> Done {
    if let stream {
      let ready = try onShard(of: stream) { state, local in state.streams[local].detector.isReady }
      guard ready else {
        throw Failure(
          .temporary, what: "stream \(stream)", why: "it is still collecting its first rows",
          remedy: "see `anomalyctl stream \(stream)` for how many are wanted")
      }
    }
    try alerts.requestRetraining(stream.map(StreamKey.init), reason: "asked for", at: Clocks.wall())
    let count = requestTraining(of: stream)
    return Done(
      "\(count) \(count == 1 ? "stream waits" : "streams wait") for a new model",
      details: ["streams": "\(count)"])
  }

  @discardableResult
  func requestTraining(of stream: String?) -> Int {
    let counts = shards.compactMap { shard in
      shard.ask { state -> Int in
        let locals = state.streams.indices.filter { stream == nil || state.streams[$0].key.name == stream }
        return locals.count { state.requestTraining($0) }
      }
    }
    return counts.reduce(0, +)
  }

  func sample(_ stream: String, model: String, count: Int, seed: UInt64) throws -> SampleReport {
    guard let detector = DetectorName(rawValue: model) else {
      throw Failure(
        .usage, what: "model \(model)", why: "the suite has no such member",
        remedy: "choose one of \(DetectorName.all.map(\.rawValue).joined(separator: ", "))")
    }
    guard let trained = try onShard(of: stream, { state, local in state.streams[local].detector.model })
    else {
      throw Failure(
        .temporary, what: "stream \(stream)", why: "it has no model yet",
        remedy: "see `anomalyctl stream \(stream)`")
    }
    guard let member = trained.detector(detector) else {
      throw Failure(
        .data, what: "model \(model)", why: "it does not score stream \(stream)",
        remedy: "name it under detection.models or streams in the config and retrain")
    }
    var report = SampleReport()
    report.stream = stream
    report.model = model
    report.snapshot = trained.snapshotName
    report.seed = seed
    report.fields = trained.fields
    let inputs = member.sample(count: count, seed: seed)
    report.sampled = (0..<count).map { row in
      trained.row(fromInputs: inputs[row * member.width..<(row + 1) * member.width]).map(Double.init)
    }
    report.recent = try recentRows(stream, fields: trained.fields, count: count)
    let values = report.recent.joined().map { $0.map(Float.init) ?? .nan }
    let width = trained.fields.count
    report.reconstructed = trained.reconstruction(by: detector, of: values, count: report.recent.count).map {
      again in
      (0..<report.recent.count).map { again[$0 * width..<($0 + 1) * width].map(Double.init) }
    }
    return report
  }

  /// The latest normal rows, for comparison.
  private func recentRows(_ stream: String, fields: [String], count: Int) throws -> [[Double?]] {
    let key = StreamKey(stream)
    let read = try onShard(of: stream) { state, local -> HistoryRows? in
      state.flush(local)
      return try? state.around.histories.read(key, last: count)
    }
    guard let history = read else { return [] }
    let columns = fields.map { history.fields.firstIndex(of: $0) }
    return (0..<history.count).map { row in
      columns.map { column in
        guard let column else { return nil }
        let value = history.values[row * history.fields.count + column]
        return value.isNaN ? nil : Double(value)
      }
    }
  }
}
