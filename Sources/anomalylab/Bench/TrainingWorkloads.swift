import Gradients
import Networks
import Tensors

/// One network as `bench train` trains it, with its batch and optimizer: the same as in Tests/Peers/training_peer.py.
struct TrainingWorkload: Sendable {
  let name: String
  let unit: String
  /// Rows, images or tokens that one step learns from.
  let unitsPerStep: Int
  /// Multiplications and additions of all matrix products of a step: those of the forward pass, and twice as many
  /// backward.
  let operations: Double
  let optimizer: Optimizer
  /// Makes the network, then records its loss on random data, given as a number to print.
  let record: @Sendable (inout ParameterScope) -> @Sendable (Tape, inout RandomStream) -> Recorded

  /// What is minimised, and what is reported (the same, mostly).
  struct Recorded {
    let loss: Variable
    let shown: Variable
    init(_ loss: Variable, shown: Variable? = nil) {
      self.loss = loss
      self.shown = shown ?? loss
    }
  }

  static let all = [autoencoder, vae, pixelcnn, gpt, lstm, realnvp, rbm]

  /// 38-32-16-8-16-32-38, tanh, mean squared error.
  static let autoencoder = TrainingWorkload(
    name: "autoencoder", unit: "rows", unitsPerStep: 256,
    operations: 6 * 256 * Double(2 * (38 * 32 + 32 * 16 + 16 * 8)), optimizer: .adam()
  ) { scope in
    let net = Perceptron("net", sizes: [38, 32, 16, 8, 16, 32, 38], hidden: .tanh, in: &scope)
    return { tape, random in
      let x = tape.input(Tensor(random.uniforms(256 * 38), shape: [256, 38]))
      return Recorded(Loss.meanSquaredError(net(x), x))
    }
  }

  /// 784-400-20-400-784, rectifiers, Bernoulli likelihood (Kingma & Welling 2014).
  static let vae = TrainingWorkload(
    name: "vae", unit: "rows", unitsPerStep: 128,
    operations: 6 * 128 * Double(2 * 784 * 400 + 3 * 400 * 20), optimizer: .adam()
  ) { scope in
    let encoder = Dense("encoder", 784, 400, activation: .relu, in: &scope)
    let mean = Dense("mean", 400, 20, in: &scope)
    let logVariance = Dense("logVariance", 400, 20, in: &scope)
    let decoder = Perceptron("decoder", sizes: [20, 400, 784], hidden: .relu, in: &scope)
    return { tape, random in
      let x = tape.input(Tensor(bits(128 * 784, &random), shape: [128, 784]))
      let h = encoder(x)
      let (mu, spread) = (mean(h), logVariance(h))
      let z = reparametrised(mean: mu, logVariance: spread, noise: tape.normal([128, 20]))
      let likelihood = binaryCrossEntropy(decoder(z), targets: x).sum() * (1 / 128)
      return Recorded(likelihood + Loss.divergenceFromStandardNormal(mean: mu, logVariance: spread))
    }
  }

  /// A 7×7 mask A to 32 channels, five residual 3×3 mask B layers, 1×1 out, on 28×28 bits (van den Oord et al. 2016).
  static let pixelcnn = TrainingWorkload(
    name: "pixelcnn", unit: "images", unitsPerStep: 16,
    operations: 6 * 16 * 784 * Double(49 * 32 + 5 * 9 * 32 * 32 + 32), optimizer: .adam()
  ) { scope in
    let first = Convolution2D(
      "first", 1, 32, size: 7, mask: .beforeMiddle, activation: .relu, in: &scope)
    let middle = (0..<5).map {
      Convolution2D("middle.\($0)", 32, 32, size: 3, mask: .upToMiddle, activation: .relu, in: &scope)
    }
    let last = Convolution2D("last", 32, 1, size: 1, in: &scope)
    return { tape, random in
      let x = tape.input(Tensor(bits(16 * 784, &random), shape: [16, 1, 28, 28]))
      let h = middle.reduce(first(x)) { $0 + $1($0) }
      return Recorded(Loss.binaryCrossEntropy(logits: last(h), targets: x))
    }
  }

  /// 4 layers, 4 heads, width 128, 64 positions, 65 symbols, batch 12 (nanoGPT's setting for a processor).
  static let gpt = TrainingWorkload(
    name: "gpt", unit: "tokens", unitsPerStep: 768,
    operations: 6 * 768 * Double(4 * (12 * 128 * 128 + 2 * 64 * 128) + 128 * 65), optimizer: .adam()
  ) { scope in
    let symbols = Embedding("symbols", symbols: 65, width: 128, in: &scope)
    let positions = Embedding("positions", symbols: 64, width: 128, in: &scope)
    let blocks = (0..<4).map { TransformerBlock("block.\($0)", width: 128, heads: 4, in: &scope) }
    let norm = LayerNorm("norm", 128, in: &scope)
    let head = Dense("head", 128, 65, hasBias: false, in: &scope)
    return { tape, random in
      let x = tape.input(Tensor(indices(768, below: 65, &random), shape: [12, 64]))
      let y = tape.input(Tensor(indices(768, below: 65, &random), shape: [12, 64]))
      let h = blocks.reduce(symbols(x) + tape[positions.table]) { $1($0) }
      return Recorded(Loss.crossEntropy(logits: head(norm(h)), indices: y))
    }
  }

  /// Embedding of 64, one layer of 256, 64 symbols of 65, batch 32.
  static let lstm = TrainingWorkload(
    name: "lstm", unit: "tokens", unitsPerStep: 2048,
    operations: 6 * 2048 * Double(4 * 256 * (64 + 256) + 256 * 65), optimizer: .adam()
  ) { scope in
    let symbols = Embedding("symbols", symbols: 65, width: 64, in: &scope)
    let memory = LSTM("memory", 64, 256, in: &scope)
    let head = Dense("head", 256, 65, in: &scope)
    return { tape, random in
      let x = tape.input(Tensor(indices(2048, below: 65, &random), shape: [32, 64]))
      let y = tape.input(Tensor(indices(2048, below: 65, &random), shape: [32, 64]))
      return Recorded(Loss.crossEntropy(logits: head(memory(symbols(x)).outputs), indices: y))
    }
  }

  /// 8 dimensions, 6 affine couplings with 64-64 hidden units (Dinh et al. 2017).
  static let realnvp = TrainingWorkload(
    name: "realnvp", unit: "rows", unitsPerStep: 256,
    operations: 6 * 256 * Double(6 * (4 * 64 + 64 * 64 + 64 * 8)), optimizer: .adam()
  ) { scope in
    let couplings = (0..<6).map {
      Perceptron("coupling.\($0)", sizes: [4, 64, 64, 8], hidden: .relu, in: &scope)
    }
    return { tape, random in
      var x = tape.input(Tensor(random.normals(256 * 8), shape: [256, 8]))
      var volume = tape.input([256])
      for net in couplings {
        let (a, b) = (x[1, 0..<4], x[1, 4..<8])
        let parts = net(a).split(1, into: 2)
        let scale = tanh(parts[0])
        x = concatenate([b * exp(scale) + parts[1], a], axis: 1)
        volume = volume + scale.sum(1)
      }
      let constant: Float = 4 * 1.837_877_1  // half of 8 times log 2π
      return Recorded((x.squared().sum(1) * 0.5 + constant - volume).mean())
    }
  }

  /// 784 visible and 500 hidden units, one step of contrastive divergence, plain gradient steps (Hinton 2002). The
  /// gradient of the difference of free energies, with the chain's end held fixed, is that of contrastive divergence.
  static let rbm = TrainingWorkload(
    name: "rbm", unit: "rows", unitsPerStep: 100, operations: 2 * 100 * 5 * Double(784 * 500),
    optimizer: .sgd(rate: 1e-4)
  ) { scope in
    let weight = scope.parameter("weight", [784, 500]) { random, count in
      random.normals(count).map { 0.01 * $0 }
    }
    let visible = scope.parameter("visible", [784])
    let hidden = scope.parameter("hidden", [500])
    // A leaf of the tape, so that nothing is differentiated through the chain.
    let chain = scope.statistic("chain", [100, 784])
    return { tape, random in
      let x = tape.input(Tensor(bits(100 * 784, &random), shape: [100, 784]))
      let (w, b, c) = (tape[weight], tape[visible], tape[hidden])
      let up = dense(x, w, c)
      let h = bernoulli(sigmoid(up))
      tape.update(chain, bernoulli(dense(h, w.transposed(), b, .sigmoid)))
      let v = tape[chain]
      func freeEnergy(_ x: Variable, _ input: Variable) -> Variable {
        -((x * b).sum() + softplus(input).sum())
      }
      let loss = freeEnergy(x, up) - freeEnergy(v, dense(v, w, c))
      return Recorded(loss, shown: (x - v).squared().mean())
    }
  }

  private static func bits(_ count: Int, _ random: inout RandomStream) -> [Float] {
    random.uniforms(count).map { $0 < 0.2 ? 1 : 0 }
  }

  private static func indices(_ count: Int, below bound: Int, _ random: inout RandomStream) -> [Float] {
    (0..<count).map { _ in Float(random.below(bound)) }
  }
}
