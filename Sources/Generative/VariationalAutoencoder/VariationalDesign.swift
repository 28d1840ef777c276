import Gradients
import Networks
import Tensors

/// What can be chosen about the networks of all variational autoencoders.
struct LatentSettings: ModelSettings {
  /// Units of the encoder's hidden layers, mirrored in the decoder; empty for what suits the width.
  var hidden: [Int] = []
  /// Latent units; 0 for 40 of wide rows, about a quarter of narrow ones.
  var code = 0
  /// The distribution of rows: `gaussian`, `bernoulli`, or `auto` for what suits them.
  var likelihood = "auto"

  func layers(_ form: RowForm) -> [Int] {
    if !hidden.isEmpty { return hidden }
    return form.width >= 256 ? [500, 300] : [max(32, min(256, 2 * form.width))]
  }

  func check() throws(FitError) {
    try SettingCheck.layers("hidden", hidden)
    try SettingCheck.units("code", code)
    try SettingCheck.word("likelihood", likelihood, of: RowLikelihood.words)
  }
}

/// A variational autoencoder: what all of them share but their training objective.
///
/// The score is `-log p(x | z = μ(x)) + KL(q(z | x) ‖ p(z))`, nats: the evidence lower bound with the mean code in the place of a draw.
protocol VariationalDesign: LikelihoodDesign, EncodingDesign, InpaintingDesign, SettlingDesign,
  InspectableDesign
where Settings == JoinedSettings<Own, LatentSettings> {
  /// What can be chosen about this one.
  associatedtype Own: ModelSettings
  var network: VariationalNetwork { get }
}

extension VariationalDesign {
  static var likelihoodKind: LikelihoodKind { .lowerBound }
  static var training: TrainingSettings { .variational }
  static func support(for form: RowForm, _ settings: Settings) -> Support {
    RowLikelihood(settings.likelihood, for: form).support
  }
  var codeWidth: Int { network.codeWidth }

  func condition(_ rows: Rows) -> Variable? {
    network.condition(rows.labels, count: rows.count, rows.tape)
  }

  func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    network.bound(rows.x, condition(rows), samples: samples)
  }

  func strangeness(_ rows: Rows) -> Variable { network.strangeness(rows.x, condition(rows)) }

  func encode(_ rows: Rows) -> Variable { network.posterior(rows.x, condition(rows)).mean }

  func decode(_ codes: Variable, labels: Variable?) -> Variable {
    let condition = network.condition(labels, count: codes.shape[0], codes.tape)
    return network.rows.mean(network.output(codes, condition))
  }

  /// `z ~ N(0, 1)`, `x ~ p(x | z)`
  func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    var rows: [Float] = []
    rows.reserveCapacity(request.count * network.width)
    for start in stride(from: 0, to: request.count, by: 256) {
      let count = min(256, request.count - start)
      let tape = Tape(buffer, seed: request.seed)
      tape.step = UInt64(start)
      let labels = request.labels.map { labels in
        tape.input(Tensor(labels[start..<start + count].map(Float.init), shape: [count]))
      }
      let z = tape.normal([count, network.codeWidth])
      let condition = network.condition(labels, count: count, tape)
      rows += network.rows.draw(network.output(z, condition)).value.values
    }
    return rows
  }

  /// The chain of Rezende et al. 2014, appendix F: `z ~ q(z | x)`, `x ~ p(x | z)`.
  func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    var chain = InpaintingChain(values: values, mask: mask, count: count, labels: labels, seed: seed)
    chain.run(buffer) { rows in
      let condition = condition(rows)
      return network.rows.draw(network.output(network.posterior(rows.x, condition).draw(), condition))
    }
    return chain.values
  }

  func settle(_ rows: PreparedRows, _ buffer: ParameterBuffer) { network.settle(rows, buffer) }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] { network.facts(parameters) }
}

extension TrainingSettings {
  /// How variational autoencoders are trained unless somebody chooses otherwise.
  static var variational: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 40
    training.batch = 100
    training.cosine = true
    return training
  }
}
