import CAllocations
import Foundation
import Gradients
import Networks
import Tensors

/// One workload's speed as it is printed: the fields of the peer's lines, and ours.
struct TrainingResult: Encodable {
  let workload: String
  let unit: String
  let perSecond: Double
  let threads: Int
  let loss: Double
  let gigaflops: Double
  /// Requests for memory per step, after warm-up.
  let allocations: Double
  var peerPerSecond: Double?
  var ratio: Double? { peerPerSecond.map { perSecond / $0 } }

  enum CodingKeys: String, CodingKey {
    case workload, unit, threads, loss, ratio
    case perSecond = "per_s"
    case gigaflops = "gflop_per_s"
    case allocations = "allocations_per_step"
    case peerPerSecond = "torch_per_s"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(workload, forKey: .workload)
    try container.encode(unit, forKey: .unit)
    try container.encode(perSecond, forKey: .perSecond)
    try container.encode(threads, forKey: .threads)
    try container.encode(loss, forKey: .loss)
    try container.encode(gigaflops, forKey: .gigaflops)
    try container.encode(allocations, forKey: .allocations)
    try container.encodeIfPresent(peerPerSecond, forKey: .peerPerSecond)
    try container.encodeIfPresent(ratio, forKey: .ratio)
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  var text: String {
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(width - text.count, 0)) + text
    }
    var text =
      workload + String(repeating: " ", count: max(12 - workload.count, 1))
      + column(String(format: "%.0f", perSecond), 9) + " \(unit)/s"
      + column(String(format: "%.1f", gigaflops), 8) + " GFLOP/s"
      + column(String(format: "%.1f", allocations), 7) + " allocations a step"
    if let peerPerSecond, let ratio {
      text += "   PyTorch " + column(String(format: "%.0f", peerPerSecond), 9)
      text += "   ratio " + String(format: "%.2f", ratio)
    }
    return text
  }
}

enum TrainingMeasurement {
  static func measure(_ workload: TrainingWorkload, threads: Int, seconds: Double) -> TrainingResult {
    var scope = ParameterScope(seed: 1)
    let record = workload.record(&scope)
    let buffer = ParameterBuffer(scope.parameters)
    let tape = Tape(buffer, seed: 2, workers: Workers(count: threads))
    var random = RandomStream(seed: 3)
    let recorded = record(tape, &random)
    tape.backward(recorded.loss)
    var optimizer = workload.optimizer
    func step() {
      tape.rerun()
      optimizer.step(buffer)
    }
    for _ in 0..<3 { step() }

    let clock = ContinuousClock()
    let begin = clock.now
    let memory = allocations_count()
    var steps = 0
    var spent = 0.0
    while spent < seconds {
      step()
      steps += 1
      let elapsed = (clock.now - begin).components
      spent = Double(elapsed.seconds) + 1e-18 * Double(elapsed.attoseconds)
    }
    let allocations = allocations_count() - memory
    let perSecond = Double(steps) / spent
    return TrainingResult(
      workload: workload.name, unit: workload.unit,
      perSecond: (10 * perSecond * Double(workload.unitsPerStep)).rounded() / 10, threads: threads,
      loss: Double(recorded.shown.scalar),
      gigaflops: (10 * perSecond * workload.operations * 1e-9).rounded() / 10,
      allocations: (100 * Double(allocations) / Double(steps)).rounded() / 100)
  }
}
