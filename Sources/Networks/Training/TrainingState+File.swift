import FoundationEssentials
import Gradients
import Tensors

// One safetensors file: the parameters under their own names, what else there is under `average`, `best/…` and
// `optimizer.N/…`, and a few words of JSON in the metadata.

extension TrainingState {
  /// The file's bytes; equal states give equal bytes. To be written whole or not at all.
  public func encode() -> [UInt8] {
    var tensors: [String: Tensor] = [:]
    func add(_ parameters: Parameters, under prefix: String) {
      for entry in parameters.entries { tensors[prefix + entry.name] = parameters[entry.slot] }
    }
    add(parameters, under: "")
    if let average { tensors["average"] = Tensor(average.values, shape: [average.values.count]) }
    if let best { add(best.parameters, under: "best/") }
    for (i, optimizer) in optimizers.enumerated() {
      for (name, moment) in [("first", optimizer.first), ("second", optimizer.second)] where !moment.isEmpty {
        tensors["optimizer.\(i)/\(name)"] = Tensor(moment, shape: [moment.count])
      }
    }
    let head = Head(
      version: Head.current, step: step, seed: seed, epoch: shuffle.epoch, position: shuffle.position,
      rows: shuffle.rows, batch: shuffle.batch, keepsRest: shuffle.keepsRest,
      optimizerSteps: optimizers.map(\.steps), optimizerRules: optimizers.map { Head.name($0.rule) },
      averageSteps: average?.steps, bestLoss: best?.loss.bitPattern, bestStep: best?.step,
      evaluationsWithoutGain: evaluationsWithoutGain, halvings: halvings,
      lossSum: lossSum.bitPattern, lossSteps: lossSteps, heldOutLoss: heldOutLoss?.bitPattern)
    let text = head.text
    return Weights(
      tensors,
      metadata: [Head.key: text, Head.checksumKey: Head.checksum(text, tensors)]
    ).encode()
  }

  /// Goes on from a file's bytes. Settings (rates, schedules, rules, batch) are this state's, which must be one of the same
  /// model, data size and kind of optimizer; on an error nothing is changed.
  public mutating func restore(_ bytes: [UInt8]) throws(WeightsError) {
    let file = try Weights(decoding: bytes)
    let text = try file.text(Head.key)
    guard try file.text(Head.checksumKey) == Head.checksum(text, file.tensors) else {
      throw .malformed("the checksum is another: bytes of the file were changed")
    }
    let head = try Head(text)
    guard head.version == Head.current else {
      throw .wrongValue("a training state of version \(head.version), not \(Head.current)")
    }
    let (rows, batch) = (shuffle.rows, shuffle.batch)
    guard head.rows == rows, head.batch == batch, head.keepsRest == shuffle.keepsRest else {
      throw .wrongValue(
        "it was trained on \(head.rows) rows in batches of \(head.batch), not on \(rows) in batches of \(batch)"
      )
    }
    guard (0...rows).contains(head.position), head.epoch >= 0, head.step >= 0 else {
      throw .wrongValue("row \(head.position) of pass \(head.epoch) is no place in \(rows) rows")
    }
    guard head.seed == seed else {
      throw .wrongValue("it was trained with the seed \(head.seed), not \(seed)")
    }
    let rules = optimizers.map { Head.name($0.rule) }
    guard head.optimizerRules == rules, head.optimizerSteps.count == rules.count else {
      throw .wrongValue("its optimizers are \(head.optimizerRules), not \(rules)")
    }

    var next = self
    next.parameters = try parameters(of: file, under: "")
    for i in optimizers.indices {
      let counts = optimizers[i].momentCounts(parameters: parameters.values.count)
      func moment(_ name: String, _ count: Int) throws(WeightsError) -> [Float] {
        guard count > 0, head.optimizerSteps[i] > 0 else { return [] }
        return try file.tensor("optimizer.\(i)/\(name)", shape: [count]).values
      }
      next.optimizers[i].steps = head.optimizerSteps[i]
      next.optimizers[i].first = try moment("first", counts.first)
      next.optimizers[i].second = try moment("second", counts.second)
    }
    if average != nil {
      guard let steps = head.averageSteps else { throw .missing("average") }
      next.average?.values = try file.tensor("average", shape: [parameters.count]).values
      next.average?.steps = steps
    }
    next.best = nil
    if let bits = head.bestLoss, let step = head.bestStep {
      next.best = Best(
        loss: Float(bitPattern: bits), step: step, parameters: try parameters(of: file, under: "best/"))
    }
    next.step = head.step
    next.evaluationsWithoutGain = head.evaluationsWithoutGain
    next.halvings = head.halvings
    next.lossSum = Double(bitPattern: head.lossSum)
    next.lossSteps = head.lossSteps
    next.heldOutLoss = head.heldOutLoss.map(Float.init(bitPattern:))
    next.shuffle.move(toEpoch: head.epoch, position: head.position)
    self = next
  }

  /// All parameters of this model, from the file.
  private func parameters(of file: Weights, under prefix: String) throws(WeightsError) -> Parameters {
    var result = parameters
    for entry in parameters.entries {
      result[entry.slot] = try file.tensor(prefix + entry.name, shape: entry.slot.shape.map { $0 })
    }
    return result
  }
}

/// What is not numbers of the model.
private struct Head: Codable {
  static let current = 2
  static let key = "training"
  static let checksumKey = "checksum"

  var version: Int
  var step: Int
  var seed: UInt64
  var epoch: Int
  var position: Int
  var rows: Int
  var batch: Int
  var keepsRest: Bool
  var optimizerSteps: [Int]
  var optimizerRules: [String]
  var averageSteps: Int?
  /// The bits, so that no digit is lost.
  var bestLoss: UInt32?
  var bestStep: Int?
  var evaluationsWithoutGain: Int
  var halvings: Int
  /// Bits again.
  var lossSum: UInt64
  var lossSteps: Int
  var heldOutLoss: UInt32?

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Whole numbers and plain strings always encode.
    return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
  }
}

extension Head {
  init(_ text: String) throws(WeightsError) {
    do {
      self = try JSONDecoder().decode(Head.self, from: Data(text.utf8))
    } catch {
      throw .malformed("the metadata of the training state are not what they should be")
    }
  }

  static func name(_ rule: Optimizer.Rule) -> String {
    switch rule {
    case .momentum(let momentum, _): momentum == 0 ? "sgd" : "momentum"
    case .adam: "adam"
    case .rmsProp(_, _, let momentum): momentum == 0 ? "rmsprop" : "rmsprop with momentum"
    }
  }

  /// FNV-1a over the words of everything, by name (Fowler, Noll & Vo 1991).
  static func checksum(_ text: String, _ tensors: [String: Tensor]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ word: UInt64) { hash = (hash ^ word) &* 0x100_0000_01b3 }
    for byte in text.utf8 { add(UInt64(byte)) }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      for byte in name.utf8 { add(UInt64(byte)) }
      for value in tensor.values { add(UInt64(value.bitPattern)) }
    }
    return String(hash, radix: 16)
  }
}
