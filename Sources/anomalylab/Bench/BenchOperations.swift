import Tensors

extension Benchmarks {
  /// The kernels under training, each alone in the cache that its workload leaves it in.
  static let operations = Benchmark(
    name: "ops",
    summary:
      "matrix products against OpenBLAS, elementary functions, softmax, norms, convolutions, random, memory of plans"
  ) { run in
    OperationBench(run: run).products()
    OperationBench(run: run).functions()
    OperationBench(run: run).layers()
    OperationBench(run: run).convolutions()
    PlanBench(run: run).allocations()
  }
}

/// A product of the training of a workload: `op(a)` is `m × k`, `op(b)` is `k × n`.
private struct ProductCase {
  let workload: String
  let m: Int
  let n: Int
  let k: Int
  var transposed = false
  var otherTransposed = false

  /// A dense layer in training: forwards, by its weights, by its input.
  static func layer(_ workload: String, batch: Int, _ inputs: Int, _ outputs: Int) -> [ProductCase] {
    [
      ProductCase(workload: workload, m: batch, n: outputs, k: inputs),
      ProductCase(workload: workload, m: inputs, n: outputs, k: batch, transposed: true),
      ProductCase(workload: workload, m: batch, n: inputs, k: outputs, otherTransposed: true),
    ]
  }

  static let all: [ProductCase] =
    layer("autoencoder", batch: 256, 38, 32) + layer("autoencoder", batch: 256, 32, 16)
    + layer("vae", batch: 128, 784, 400) + layer("vae", batch: 128, 400, 20)
    + layer("gpt", batch: 768, 128, 384) + layer("gpt", batch: 768, 128, 512)
    + layer("gpt", batch: 768, 512, 128) + layer("gpt", batch: 768, 128, 65)
    + layer("lstm", batch: 32, 256, 1024) + layer("lstm", batch: 2048, 64, 1024)
    + layer("realnvp", batch: 256, 64, 64) + layer("rbm", batch: 100, 784, 500)
    + [
      ProductCase(workload: "lstm", m: 256, n: 1024, k: 2048, transposed: true),
      ProductCase(workload: "square", m: 1024, n: 1024, k: 1024),
    ]

  var name: String {
    "\(workload) \(m)×\(n)×\(k) \(transposed ? "T" : "N")\(otherTransposed ? "T" : "N")"
  }
}

private struct OperationBench {
  let run: BenchRun
  private let seconds: Double

  init(run: BenchRun) {
    self.run = run
    seconds = run.setting("seconds", 0.1)
  }

  private func median(_ times: [Double]) -> Double {
    times.isEmpty ? .infinity : times.sorted()[times.count / 2]
  }

  /// The median time of one call, and of a second one that takes turns with it.
  private func typical(_ first: () -> Void, _ second: (() -> Void)? = nil) -> (Double, Double) {
    let clock = ContinuousClock()
    func time(_ count: Int, _ body: () -> Void) -> Double {
      let elapsed = clock.measure { for _ in 0..<count { body() } }
      return (Double(elapsed.components.seconds) + 1e-18 * Double(elapsed.components.attoseconds))
        / Double(count)
    }
    first()
    second?()
    let count = max(1, Int(2e-4 / max(time(1, first), 1e-9)))
    var times: (first: [Double], second: [Double]) = ([], [])
    let end = clock.now + .seconds(seconds * (second == nil ? 1 : 2))
    repeat {
      times.first.append(time(count, first))
      if let second { times.second.append(time(count, second)) }
    } while clock.now < end || times.first.count < 7
    return (median(times.first), median(times.second))
  }

  func products() {
    for shape in ProductCase.all {
      var random = RandomStream(seed: 1)
      let (m, n, k) = (shape.m, shape.n, shape.k)
      let (a, b) = (random.normals(m * k), random.normals(k * n))
      var c = [Float](repeating: 0, count: m * n)
      let memory = [a, b, c].map { Storage(capacity: $0.count) }
      let (x, y) = (memory[0].view([a.count]), memory[1].view([b.count]))
      x.assign(a)
      y.assign(b)
      let left = shape.transposed ? x.reshaped([k, m]).transposed() : x.reshaped([m, k])
      let right = shape.otherTransposed ? y.reshaped([n, k]).transposed() : y.reshaped([k, n])
      let workers = Workers()
      let (own, reference) = typical(
        { Product.multiply(left, right, into: memory[2].view([m, n]), workers: workers) },
        {
          unsafe Kernels.referenceProduct(
            m: m, n: n, k: k, a, transposed: shape.transposed, b, otherTransposed: shape.otherTransposed,
            into: &c)
        })
      let work = 2e-9 * Double(m * n * k)
      run.report(
        shape.name, work / own, "GFLOP/s", reference: "cblas_sgemm, \(Processor.kernel)", work / reference)
    }
  }

  /// Times a kernel that reads two arrays and writes one, each of `count` numbers between 0.1 and 2.
  private func measure(
    _ name: String, _ count: Int, goal: Double? = nil,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    var random = RandomStream(seed: 2)
    let (x, y) = (
      random.uniforms(count).map { 0.1 + 1.9 * $0 }, random.uniforms(count).map { 0.1 + 1.9 * $0 }
    )
    var z = [Float](repeating: 0, count: count)
    unsafe z.withUnsafeMutableBufferPointer { z in
      unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeBufferPointer { y in
          guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
          let time = typical({ unsafe body(x, y, z) }).0
          run.report(
            name, 1e9 * time / Double(count), "ns/element", reference: goal == nil ? nil : "goal, \(vectors)",
            goal)
        }
      }
    }
  }

  private var vectors: String {
    Processor.features.contains(.avx512) ? "AVX-512" : Processor.features.contains(.avx2) ? "AVX2" : "no AVX2"
  }

  func functions() {
    let count = 4096
    let goal = Processor.features.contains(.avx512) ? 1.0 : 2.0
    for function in UnaryFunction.allCases where function != .identity && function != .negate {
      unsafe measure("\(function)", count, goal: goal) { x, _, z in
        unsafe Kernels.unary(function, count, x, into: z)
      }
    }
    for function in [UnaryFunction.tanh, .gelu, .relu] {
      unsafe measure("\(function) backwards", count, goal: goal) { x, y, z in
        unsafe Kernels.unaryBackward(function, count, x: x, y: x, dy: y, into: z, accumulate: true)
      }
    }
    unsafe measure("add", count) { x, y, z in unsafe Kernels.binary(.add, count, x, y, into: z) }
    unsafe measure("add a row of 38 to 256 rows", 256 * 38) { x, y, z in
      unsafe Kernels.binary(.add, rows: 256, columns: 38, x, .contiguous(38), y, .oneRow, into: z)
    }
    unsafe measure("transpose 768×128", 768 * 128) { x, _, z in
      unsafe Kernels.transpose(rows: 768, columns: 128, x, into: z)
    }
    unsafe measure("[12,64,4,32] to [12,4,64,32]", 768 * 128) { x, _, z in
      unsafe Kernels.copy(
        rank: 4, extents: [12, 4, 64, 32], x, strides: [8192, 32, 128, 1], into: z,
        strides: [8192, 2048, 32, 1])
    }
    var random = RandomStream(seed: 1)
    for distribution in [Distribution.uniform, .normal, .gumbel] {
      unsafe measure("random \(distribution)", count) { _, _, z in
        unsafe random.fill(UnsafeMutableBufferPointer(start: z, count: count), distribution)
      }
    }
  }

  func layers() {
    unsafe measure("sum of 768 rows of 128", 768 * 128) { x, _, z in
      unsafe Kernels.reduce(.sum, outer: 1, n: 768, inner: 128, x, into: z)
    }
    unsafe measure("softmax 768×65", 768 * 65) { x, _, z in
      unsafe Kernels.softmax(rows: 768, n: 65, x, into: z)
    }
    var (mean, scale) = ([Float](repeating: 0, count: 768), [Float](repeating: 1, count: 768))
    let gain = [Float](repeating: 1, count: 128)
    unsafe measure("layer norm 768×128", 768 * 128) { x, _, z in
      unsafe Kernels.normaliseRows(
        rows: 768, RowNorm(channels: 128), x, epsilon: 1e-5, gain: gain, shift: gain, into: z, mean: &mean,
        scale: &scale)
    }
    unsafe measure("layer norm 768×128 backwards", 768 * 128) { x, y, z in
      unsafe Kernels.normaliseRowsBackward(
        rows: 768, RowNorm(channels: 128), x, mean: mean, scale: scale, gain: gain, dy: y, into: z,
        accumulate: true)
    }
    var moments = [[Float]](repeating: [Float](repeating: 0, count: 100_000), count: 2)
    var second = moments.removeLast()
    unsafe measure("Adam", 100_000) { x, _, z in
      unsafe Kernels.adam(
        100_000, z, gradient: x, first: &moments[0], second: &second, step: 3, rate: 1e-3)
    }
    var gates = [Float](repeating: 0.5, count: 32 * 1024)
    unsafe measure("LSTM cell 32×256", 32 * 256) { x, _, z in
      unsafe Kernels.lstm(
        rows: 32, n: 256, gates: WritableRows(&gates, step: 1024), before: Rows(x, step: 256),
        cell: WritableRows(z, step: 256), hidden: WritableRows(z, step: 256))
    }
    let head = AttentionShape(queries: 64, keys: 64, width: 32, isCausal: true)
    var p = [Float](repeating: 0, count: 64 * 64)
    unsafe measure("causal attention 64×32, a head", 64 * 32) { x, y, z in
      unsafe Kernels.attention(
        head, q: Rows(x, step: 32), k: Rows(y, step: 32), v: Rows(y, step: 32), p: &p,
        into: WritableRows(z, step: 32))
    }
  }

  func convolutions() {
    var shape = ConvolutionShape(
      channels: 32, height: 28, width: 28, outputs: 32, kernelHeight: 3, kernelWidth: 3)
    (shape.top, shape.bottom, shape.left, shape.right) = (1, 1, 1, 1)
    for (name, taps) in [("all taps", [UInt8]()), ("masked to 5 taps", [1, 1, 1, 1, 1, 0, 0, 0, 0])] {
      shape.taps = taps
      let work = 2e-9 * Double(16 * shape.outputCount * 32 * (taps.isEmpty ? 9 : 5))
      var random = RandomStream(seed: 3)
      let (x, w) = (random.normals(16 * shape.inputCount), random.normals(shape.weightCount))
      var (y, dw) = (random.normals(16 * shape.outputCount), w)
      var dx = x
      var space = [Float](repeating: 0, count: shape.space)
      let convolution = "16 images of 28×28, 32 to 32 channels, \(name)"
      run.report(
        convolution,
        work
          / typical({
            unsafe Kernels.convolve(shape, batch: 16, x, w, bias: nil, into: &y, space: &space)
          }).0, "GFLOP/s")
      run.report(
        convolution + ", by the input",
        work
          / typical({
            unsafe Kernels.convolveBackwardInput(
              shape, batch: 16, w, dy: y, into: &dx, accumulate: false, space: &space)
          }).0, "GFLOP/s")
      run.report(
        convolution + ", by the weights",
        work
          / typical({
            unsafe Kernels.convolveBackwardWeights(
              shape, batch: 16, x, dy: y, addTo: &dw, bias: nil, space: &space)
          }).0, "GFLOP/s")
    }
    shape.taps = []
    let count = 32 * 9 * 784
    unsafe measure("im2col 3×3 of an image of 32×28×28", count) { x, _, z in
      unsafe Kernels.imageToColumns(shape, x, into: z)
    }
  }
}
