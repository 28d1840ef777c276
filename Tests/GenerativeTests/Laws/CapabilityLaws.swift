import Foundation
import Tensors
import Testing

@testable import Generative

/// What the capabilities promise: files, codes, filling in, order, invertibility.
@Suite struct CapabilityLaws {
  private static func members(_ capability: Catalogue.Capabilities) -> [Catalogue.Entry] {
    Catalogue.tested.filter { $0.capabilities.contains(capability) }
  }

  /// Everything a model can say of rows, as numbers.
  private func answers(_ model: any TrainedModel, _ rows: Records) -> [String: [Double]] {
    var answers = ["score": scores(model, rows.matrix.values).map(Double.init)]
    func add(_ name: String, _ values: [Float]) { answers[name] = values.map(Double.init) }
    add("sample", model.sample(count: 5, seed: 2))
    if let model = model as? any LikelihoodModel {
      answers["likelihood"] = model.logLikelihoods(rows, samples: 3, seed: 2)
    }
    if let model = model as? any EncodingModel {
      let codes = model.codes(of: rows)
      add("codes", codes)
      add("decoded", model.decode(codes: codes, count: rows.count, labels: rows.labels))
    }
    if let model = model as? any ReconstructingModel { add("reconstructed", model.reconstruct(rows)) }
    if let model = model as? any InpaintingModel { add("inpainted", model.inpaint(holed(rows), seed: 3)) }
    if let model = model as? any ConditionalModel, model.classes > 0 {
      add("of classes", model.sample(classes: [0, 1, 1], seed: 4))
    }
    if let model = model as? any InvertibleModel {
      let latent = model.latent(of: rows)
      add("latent", latent.z)
      answers["determinant"] = latent.logDeterminant
      add("rows of latent", model.rows(ofLatent: latent.z, count: rows.count, labels: rows.labels))
    }
    if let model = model as? any AutoregressiveModel { add("conditionals", model.conditionals(of: rows)) }
    return answers
  }

  /// Every third entry missing.
  private func holed(_ rows: Records) -> Records {
    var rows = rows
    let mask = rows.matrix.values.indices.map { $0 % 3 == 1 ? Float(0) : 1 }
    rows.matrix.values = zip(rows.matrix.values, mask).map { $0 * $1 }
    rows.matrix.mask = mask
    return rows
  }

  @Test("what is read back answers everything with the same bits", arguments: Catalogue.tested)
  func files(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) else { return }
    let copy = try Catalogue.decode(model.encode())
    let rows = entry.lawRecords(entry.naturalForm, 9, seed: 6)
    #expect(copy.encode() == model.encode())
    let (mine, others) = (answers(model, rows), answers(copy, rows))
    for (name, numbers) in mine {
      #expect(others[name] == numbers, "\(entry.name): \(name)")
      #expect(numbers.allSatisfy { $0.isFinite }, "\(entry.name): \(name)")
    }
    #expect(mine.count == others.count)
  }

  @Test("a member can what its entry says", arguments: Catalogue.tested)
  func capabilities(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) else {
      Issue.record("\(entry.name) does not learn \(entry.naturalForm)")
      return
    }
    let can: [(Catalogue.Capabilities, Bool)] = [
      (.likelihood, model is any LikelihoodModel), (.encode, model is any EncodingModel),
      (.reconstruct, model is any ReconstructingModel), (.inpaint, model is any InpaintingModel),
      (.conditional, model is any ConditionalModel), (.invertible, model is any InvertibleModel),
      (.autoregressive, model is any AutoregressiveModel), (.density, model is any DifferentiableDensity),
      (.forecast, model is any SequenceModel),
    ]
    for (capability, holds) in can { #expect(entry.capabilities.contains(capability) == holds) }
    #expect(throws: FitError.self) {
      try entry.begin(
        entry.lawRecords(entry.naturalForm), FitOptions(settings: ["no such setting": "1"]))
    }
  }

  @Test("what is known stays, what is missing is filled in", arguments: members(.inpaint))
  func inpainting(entry: Catalogue.Entry) throws {
    for form in Set([entry.naturalForm, entry.binaryForm]) {
      guard let model = try entry.small(on: form) as? any InpaintingModel else { continue }
      let rows = holed(entry.lawRecords(form, 40, seed: 6))
      let filled = model.inpaint(rows, seed: 3)
      #expect(filled.count == rows.matrix.values.count && filled.allSatisfy { $0.isFinite })
      for (i, known) in (rows.matrix.mask ?? []).enumerated() where known == 1 {
        #expect(filled[i] == rows.matrix.values[i])
      }
      // A density fills in numbers of all kinds.
      let isOfBits = form.isBinary && (model as? any LikelihoodModel)?.countsBits != false
      if isOfBits { #expect(filled.allSatisfy { $0 == 0 || $0 == 1 }) }
      #expect(model.inpaint(rows, seed: 3) == filled && model.inpaint(rows, seed: 4) != filled)
    }
  }

  // MARK: order

  @Test(
    "a number is foretold from those before it and from nothing else", arguments: members(.autoregressive))
  func causality(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) as? any AutoregressiveModel else { return }
    let rows = entry.lawRecords(entry.naturalForm, 6, seed: 6)
    let width = rows.matrix.columns
    guard model.order.count == width else { return }
    #expect(model.order.sorted() == Array(0..<width))
    let before = model.conditionals(of: rows)
    for place in 0..<width {
      var changed = rows
      let column = model.order[place]
      for row in 0..<rows.count {
        let i = row * width + column
        changed.matrix.values[i] =
          entry.naturalForm.isBinary ? 1 - rows.matrix.values[i] : rows.matrix.values[i] + 0.7
      }
      let after = model.conditionals(of: changed)
      for row in 0..<rows.count {
        for earlier in model.order[..<place] {
          #expect(after[row * width + earlier] == before[row * width + earlier], "\(place) moves \(earlier)")
        }
        #expect(
          after[row * width + column] != before[row * width + column] || before[row * width + column] == 0)
      }
    }
    // Together they are the whole.
    let likelihoods = model.logLikelihoods(rows, samples: 1, seed: 1)
    let volume = (model as? any PreparingModel)?.preparation.logVolume ?? 0
    for row in 0..<rows.count {
      let sum = before[row * width..<(row + 1) * width].reduce(0) { $0 + Double($1) } + volume
      #expect(abs(sum - likelihoods[row]) <= 1e-3 * max(1, abs(sum)))
    }
  }

  @Test("quick sampling draws what slow sampling draws", arguments: members(.autoregressive))
  func sampling(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) as? any AutoregressiveModel else { return }
    let (quick, slow) = (model.sample(count: 40, seed: 9), model.sampleNaively(count: 40, seed: 9))
    if entry.naturalForm.isBinary {
      #expect(quick == slow)
    } else {
      #expect(zip(quick, slow).allSatisfy { abs($0 - $1) <= 1e-3 * max(1, abs($1)) })
    }
  }

  // MARK: invertibility

  @Test("rows come back from their latent ones", arguments: members(.invertible))
  func inversion(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) as? any InvertibleModel else { return }
    let rows = entry.lawRecords(entry.naturalForm, 70, seed: 6)
    let (z, _) = model.latent(of: rows)
    let back = model.rows(ofLatent: z, count: rows.count, labels: rows.labels)
    let worst = zip(back, rows.matrix.values).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= 1e-4 * 4, "\(entry.name): \(worst)")
    var random = RandomStream(seed: 3)
    let drawn = random.normals(z.count)
    var made = rows
    made.matrix.values = model.rows(ofLatent: drawn, count: rows.count, labels: rows.labels)
    let again = model.latent(of: made).z
    let error = zip(again, drawn).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(error <= 1e-3, "\(entry.name): \(error)")
  }

  @Test("the log determinant is that of the differences' Jacobian", arguments: members(.invertible))
  func determinant(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) as? any InvertibleModel else { return }
    let rows = entry.lawRecords(entry.naturalForm, 8, seed: 6)
    let width = rows.matrix.columns
    let (_, determinants) = model.latent(of: rows)
    let h: Float = 0.01
    func moved(_ column: Int, _ step: Float) -> [Float] {
      var moved = rows
      for row in 0..<rows.count { moved.matrix.values[row * width + column] += step }
      return model.latent(of: moved).z
    }
    // jacobian[column] is ∂z/∂x_column of all rows.
    let jacobian = (0..<width).map { column -> [Double] in
      func slope(_ step: Float) -> [Double] {
        zip(moved(column, step), moved(column, -step)).map { Double($0 - $1) / Double(2 * step) }
      }
      // Richardson: the error is of fourth order.
      return zip(slope(h / 2), slope(h)).map { (4 * $0 - $1) / 3 }
    }
    for row in 0..<rows.count {
      let matrix = (0..<width).map { column in Array(jacobian[column][row * width..<(row + 1) * width]) }
      let truth = Self.logDeterminant(matrix)
      #expect(abs(determinants[row] - truth) <= 0.01 * max(1, abs(truth)), "\(entry.name), row \(row)")
    }
  }

  /// `log |det a|` by elimination with pivots.
  private static func logDeterminant(_ a: [[Double]]) -> Double {
    var a = a
    var result = 0.0
    for k in a.indices {
      guard let pivot = (k..<a.count).max(by: { abs(a[$0][k]) < abs(a[$1][k]) }) else { return 0 }
      a.swapAt(k, pivot)
      result += log(abs(a[k][k]))
      for i in k + 1..<max(a.count, k + 1) {
        let factor = a[i][k] / a[k][k]
        for j in k..<a.count { a[i][j] -= factor * a[k][j] }
      }
    }
    return result
  }

  // MARK: strangeness

  @Test("rows of bits that break the rules score above usual ones", arguments: Catalogue.tested)
  func strangeBits(entry: Catalogue.Entry) throws {
    let shape = entry.binaryForm == .bitPicture ? [4, 4] : [16]
    func records(_ values: [Float], _ count: Int) -> Records {
      Records(
        DataMatrix(rows: count, columns: 16, values: values), form: RowForm(shape: shape, support: .binary))
    }
    var random = RandomStream(seed: 21)
    // Four causes, seldom there, each with four bits that go together but for one in fifty.
    func usual(_ count: Int) -> [Float] {
      (0..<count).flatMap { _ in
        (0..<4).flatMap { _ in
          let cause: Float = random.bernoulli(0.15) ? 1 : 0
          return (0..<4).map { _ in random.bernoulli(0.02) ? 1 - cause : cause }
        }
      }
    }
    let training = records(usual(400), 400)
    var options = entry.smallOptions
    options.epochs = 60
    guard let model = try entry.fitUnlessUnsuitable(training, options) else { return }
    let odd = (0..<100).flatMap { _ -> [Float] in
      let set = Set(random.permutation(16).prefix(10))
      return (0..<16).map { set.contains($0) ? 1 : 0 }
    }
    let area = auroc(usual: scores(model, usual(100)), odd: scores(model, odd))
    #expect(area >= 0.95, "\(entry.name): \(area)")
  }
}
