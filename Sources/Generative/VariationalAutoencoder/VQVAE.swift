import Gradients
import Networks
import Tensors

/// What can be chosen about a ``VQVAE``.
struct VQVAESettings: ModelSettings {
  /// Vectors in the codebook.
  var codes = 64
  /// Numbers of each vector.
  var dimension = 16
  /// Channels after each convolution of a picture's encoder; every one halves the picture.
  var channels = [32, 64]
  /// Codes of a row that is no picture.
  var places = 4
  /// Units of the hidden layer where rows are no pictures; 0 for what suits the width.
  var hidden = 0
  /// β: what it weighs that encodings stay near their codes.
  var commitment: Float = 0.25
  /// Channels of the prior over codes; 0 for 64 of pictures, 16 of other rows.
  var prior = 0
  /// The distribution of rows: `gaussian`, `bernoulli`, or `auto` for what suits them.
  var likelihood = "auto"

  func check() throws(FitError) {
    guard (2...65536).contains(codes) else { throw .setting("codes is \(codes), not 2 to 65536") }
    for (name, value) in [
      ("dimension", dimension), ("places", places),
    ] where !(1...4096).contains(value) {
      throw .setting("\(name) is \(value), not 1 to 4096")
    }
    try SettingCheck.layers("channels", channels)
    guard !channels.isEmpty, channels.count <= 8 else {
      throw .setting("channels has \(channels.count) numbers, not 1 to 8")
    }
    try SettingCheck.units("hidden", hidden)
    try SettingCheck.units("prior", prior)
    try SettingCheck.weight("commitment", commitment)
    try SettingCheck.word("likelihood", likelihood, of: RowLikelihood.words)
  }
}

/// A vector-quantised variational autoencoder: each place of the encoder's output is replaced by the nearest vector of a codebook,
/// and gradients pass straight through (van den Oord et al. 2017, equations 1 to 3). The prior over codes is learned beside it, on
/// codes through which no gradient flows.
///
/// `log p(x) ≥ log p(x | z_q(x)) + log p(z_q(x))`, since the posterior is one code with certainty: the score is the negative of that, nats.
/// Pictures are encoded by convolutions, other rows by a perceptron. The code of a row is the numbers of its codebook vectors.
struct VQVAE: LikelihoodDesign, EncodingDesign, InpaintingDesign, SettlingDesign, InspectableDesign {
  static let name = "vq-vae"
  static let likelihoodKind = LikelihoodKind.lowerBound
  static var training: TrainingSettings {
    var training = TrainingSettings.variational
    training.epochs = 15
    return training
  }
  static func support(for form: RowForm, _ settings: VQVAESettings) -> Support {
    RowLikelihood(settings.likelihood, for: form).support
  }

  let quantizer: VectorQuantizer
  let prior: CodePrior
  private let width: Int
  private let commitment: Float
  private let rows: RowDistribution
  private let encoder: GridEncoder
  private let decoder: GridDecoder
  /// The share of all places that each code stands at.
  private let usage: Slot

  init(_ settings: VQVAESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    width = form.width
    commitment = settings.commitment
    let grid = Grid(form, settings)
    encoder = GridEncoder(grid, form, settings, in: &scope)
    decoder = GridDecoder(grid, form, settings, in: &scope)
    rows = RowDistribution(width: width, support: form.support, in: &scope)
    quantizer = VectorQuantizer(codes: settings.codes, dimension: settings.dimension, in: &scope)
    let channels = settings.prior > 0 ? settings.prior : grid.height > 1 ? 64 : 16
    prior = CodePrior(
      codes: settings.codes, height: grid.height, width: grid.width, channels: channels, in: &scope)
    usage = scope.within("codebook") { $0.statistic("usage", [settings.codes]) }
  }

  var codeWidth: Int { prior.places }

  func loss(_ batch: Rows) -> Variable {
    let z = encoder(batch.x)
    let choice = quantizer.nearest(z)
    let vectors = quantizer.vectors(choice)
    let straight = z + (vectors - z).withoutGradient()
    let logProbability = rows.logProbability(batch.x, output: decoder(straight), mask: batch.mask)
    let distance = (z - vectors).squared().sum() / Float(batch.count)
    if batch.isTraining { quantizer.follow(z, choice) }
    return distance * commitment - (logProbability + prior.logProbability(choice)).mean()
  }

  func logLikelihood(_ batch: Rows, samples: Int) -> Variable {
    let choice = quantizer.nearest(encoder(batch.x))
    return rows.logProbability(batch.x, output: decoder(quantizer.vectors(choice)))
      + prior.logProbability(choice)
  }

  func encode(_ batch: Rows) -> Variable {
    quantizer.indices(quantizer.nearest(encoder(batch.x))).reshaped([batch.count, codeWidth])
  }

  func decode(_ codes: Variable, labels: Variable?) -> Variable {
    rows.mean(decoder(quantizer.vectors(quantizer.chosen(codes))))
  }

  /// Codes from the prior, rows given codes.
  func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    var random = RandomStream(seed: request.seed, stream: Purpose.sampling.stream(0))
    let codes = prior.sample(request.count, random: &random, quantizer, buffer)
    var drawn: [Float] = []
    for start in stride(from: 0, to: request.count, by: 64) {
      let count = min(64, request.count - start)
      let tape = Tape(buffer, seed: request.seed)
      tape.step = UInt64(start)
      let part = Array(codes[start * codeWidth..<(start + count) * codeWidth])
      let vectors = quantizer.vectors(quantizer.chosen(tape.input(Tensor(part, shape: [count, codeWidth]))))
      drawn += rows.draw(decoder(vectors)).value.values
    }
    return drawn
  }

  func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    var chain = InpaintingChain(values: values, mask: mask, count: count, seed: seed)
    chain.run(buffer) { batch in
      rows.draw(decoder(quantizer.vectors(quantizer.nearest(encoder(batch.x)))))
    }
    return chain.values
  }

  func settle(_ found: PreparedRows, _ buffer: ParameterBuffer) {
    let plan = NetworkPlan(buffer, row: [width]) { encode(Rows($0)) }
    let codes = plan.results(found.values, count: found.count, width: codeWidth)
    var shares = [Float](repeating: 0, count: quantizer.codes)
    for code in codes { shares[Int(code)] += 1 / Float(codes.count) }
    buffer.view(usage).assign(shares)
  }

  func facts(_ parameters: Parameters) -> [(name: String, value: String)] {
    let shares = parameters[usage].values
    let used = shares.filter { $0 > 0 }
    let entropy = -zip(used, VectorMath.log(used)).reduce(0) { $0 + $1.0 * $1.1 }
    let perplexity = VectorMath.exp([entropy])[0]
    return [
      ("row given codes", rows.likelihood.rawValue),
      ("codes of a row", "\(prior.height) × \(prior.width)"),
      ("perplexity of the codebook", "\((perplexity * 10).rounded() / 10) of \(quantizer.codes)"),
      ("codes in use", "\(used.count) of \(quantizer.codes)"),
    ]
  }
}
