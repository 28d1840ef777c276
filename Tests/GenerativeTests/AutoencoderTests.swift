import Generative
import Tensors
import Testing

struct AutoencoderTests {
  static let fitted = Result { try Autoencoder.fit(World.training, seed: 3) }

  @Test func `training tells its progress and stops when the held-out part no longer gains`() throws {
    var progress: [FitProgress] = []
    var settings = AutoencoderSettings()
    settings.epochs = 400
    settings.patience = 6
    _ = try Autoencoder.fit(World.training, settings: settings, seed: 3, observer: { progress.append($0) })
    #expect(progress.map { $0.epoch } == Array(1...progress.count))
    #expect(progress.count < 400)
    let best = progress.map { $0.heldOutLoss }.min() ?? 1
    #expect(best < 0.3 * progress[0].heldOutLoss)
  }

  @Test func `stopping late keeps what was learned`() throws {
    var epochs = 0
    let done = { epochs >= 10 }
    let count = { (_: FitProgress) in epochs += 1 }
    let model = try Autoencoder.fit(World.training, seed: 3, shouldStop: done, observer: count)
    #expect(epochs < 14)
    #expect(scores(model, World.rows(10, seed: 2)).allSatisfy { $0.isFinite })
  }

  @Test func `a diverging rate is a typed error`() {
    var settings = AutoencoderSettings()
    settings.rate = .infinity
    #expect(throws: FitError.self) { try Autoencoder.fit(World.training, settings: settings, seed: 3) }
  }

  @Test func `usual rows score about 1`() throws {
    let raw = scores(try Self.fitted.get(), World.rows(400, seed: 2)).sorted()
    #expect(raw[200] > 0.4 && raw[200] < 1.6)
  }

  @Test func `the score is the weighted mean of squared errors`() throws {
    let model = try Self.fitted.get()
    let rows = World.rows(20, seed: 2)
    let rebuilt = model.reconstruct(rows, mask: nil, rows: 20)
    let spread = model.expectation(of: Array(rows[..<World.width]), mask: nil).spread
    for (row, raw) in scores(model, rows).enumerated() {
      let expected = (0..<World.width).reduce(Float(0)) { sum, j in
        let d = (rows[row * World.width + j] - rebuilt[row * World.width + j]) / spread[j]
        return sum + d * d / Float(World.width)
      }
      #expect(abs(raw - expected) < 1e-3 * max(1, expected))
    }
    #expect(model.meanSquaredErrors(rows, mask: nil, rows: 20).allSatisfy { $0 > 0 && $0 < 1 })
  }

  @Test func `codes decode to the reconstruction`() throws {
    let model = try Self.fitted.get()
    let rows = World.rows(5, seed: 2)
    let codes = model.codes(of: rows, mask: nil, rows: 5)
    #expect(codes.count == 5 * model.codeWidth && codes.allSatisfy { abs($0) <= 1 })
    let decoded = model.decode(codes, rows: 5)
    #expect(zip(decoded, model.reconstruct(rows, mask: nil, rows: 5)).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func `a hidden input is filled in from the rest`() throws {
    let model = try Self.fitted.get()
    let rows = World.rows(200, seed: 2)
    var mask = [Float](repeating: 1, count: rows.count)
    var hidden = rows
    for row in 0..<200 {
      mask[row * World.width + 1] = 0
      hidden[row * World.width + 1] = 0
    }
    let filled = model.reconstruct(hidden, mask: mask, rows: 200)
    let truth = (0..<200).map { rows[$0 * World.width + 1] }
    let mean = truth.reduce(0, +) / 200
    let variance = truth.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = (0..<200).reduce(Float(0)) {
      let d = filled[$1 * World.width + 1] - truth[$1]
      return $0 + d * d
    }
    #expect(error < 0.5 * variance)
  }

  @Test func `samples without noise are smoother than those with it`() throws {
    let model = try Self.fitted.get()
    let smooth = scores(model, model.sample(count: 200, seed: 1, noise: false)).reduce(0, +)
    let rough = scores(model, model.sample(count: 200, seed: 1)).reduce(0, +)
    #expect(smooth < rough)
  }
}
