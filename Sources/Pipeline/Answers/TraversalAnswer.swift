import Control
import Detection
import Generative

extension AnomalyPipeline {
  /// A walk along one unit of a model's code, from where few codes of its own samples lie below to where few lie above;
  /// all other units stay as they are in the middle of the samples.
  func traverse(_ stream: String, model: String, unit: Int, count: Int) throws -> TraversalReport {
    guard let detector = DetectorName(rawValue: model) else {
      throw Failure(
        .usage, what: "model \(model)", why: "the suite has no such member", remedy: "see `anomalyctl models`"
      )
    }
    guard let trained = try onShard(of: stream, { state, local in state.streams[local].detector.model }),
      let member = trained.detector(detector)
    else {
      throw Failure(
        .data, what: "model \(model)", why: "it does not score stream \(stream)",
        remedy: "see `anomalyctl models`")
    }
    guard let coder = member as? any EncodingModel else {
      throw Failure(
        .data, what: "model \(model)", why: "it has no code to walk through",
        remedy: "an autoencoder or a variational autoencoder has one")
    }
    let width = coder.codeWidth
    guard (0..<width).contains(unit) else {
      throw Failure(
        .usage, what: "unit \(unit)", why: "the code has units 0 to \(width - 1)",
        remedy: "choose one of these")
    }
    let seen = 400
    let inputs = coder.sample(count: seen, seed: 1)
    let codes = coder.codes(of: Records(DataMatrix(rows: seen, columns: member.width, values: inputs)))
    func sorted(_ unit: Int) -> [Float] {
      stride(from: unit, to: codes.count, by: width).map { codes[$0] }.sorted()
    }
    let middle = (0..<width).map { sorted($0)[seen / 2] }
    let values = sorted(unit)
    let (low, high) = (values[seen / 50], values[seen - 1 - seen / 50])
    let places = (0..<count).map { low + (high - low) * Float($0) / Float(count - 1) }
    let walked = places.flatMap { place -> [Float] in
      var code = middle
      code[unit] = place
      return code
    }
    let rows = coder.decode(codes: walked, count: count, labels: nil)
    var report = TraversalReport()
    report.stream = stream
    report.model = model
    report.snapshot = trained.snapshotName
    report.units = width
    report.unit = unit
    report.fields = trained.fields
    report.codes = places.map(Double.init)
    report.rows = (0..<count).map { row in
      trained.row(fromInputs: rows[row * member.width..<(row + 1) * member.width]).map(Double.init)
    }
    return report
  }
}
