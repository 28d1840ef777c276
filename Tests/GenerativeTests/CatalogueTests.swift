public import Generative
import Networks
import Tensors
public import Testing

extension Catalogue.Entry: CustomTestStringConvertible {
  public var testDescription: String { name }
}

/// Rows of a few hidden causes with noise: what every member of the suite should be able to learn.
enum World {
  static let width = 9

  static func rows(_ count: Int, seed: UInt64) -> [Float] {
    var fixed = RandomStream(seed: 5, stream: 5)
    let mixing = fixed.normals(width * 2)
    var random = RandomStream(seed: seed, stream: 6)
    var rows: [Float] = []
    for _ in 0..<count {
      let causes = random.normals(2)
      let noise = random.normals(width)
      for i in 0..<width {
        rows.append(mixing[2 * i] * causes[0] + mixing[2 * i + 1] * causes[1] + 0.2 * noise[i] + Float(i))
      }
    }
    return rows
  }

  static let training = DataMatrix(rows: 400, columns: width, values: rows(400, seed: 1))
}

extension Catalogue.Entry {
  /// Fitted to ``World/training`` as it comes, once for all tests.
  func fitted() throws -> any TrainedModel {
    guard let model = try SharedFits.of("\(name) as it comes").model({ try fittedForWorld() }) else {
      throw FitError.stopped
    }
    return model
  }

  /// Networks for pictures are smaller here: as they come they take minutes in a debug build.
  private func fittedForWorld() throws -> any TrainedModel {
    guard name.hasPrefix("pixel") else { return try fit(World.training, 3) }
    let size = ["layers": "3", name == "pixelcnn" ? "channels" : "units": "16"]
    return try fit(Records(World.training), FitOptions(seed: 3, settings: size, epochs: 100))
  }

  /// Fitted small: for what does not ask how well.
  func quick(_ data: DataMatrix) throws -> any TrainedModel { try fit(Records(data), smallOptions) }
}

func scores(_ model: any TrainedModel, _ rows: [Float], mask: [Float]? = nil) -> [Float] {
  var raw = [Float](repeating: .nan, count: rows.count / model.width)
  var scratch = Scratch()
  model.score(rows, mask: mask, rows: raw.count, into: &raw, scratch: &scratch)
  return raw
}

/// The probability that an odd row scores above a usual one.
func auroc(usual: [Float], odd: [Float]) -> Double {
  let wins = odd.reduce(0.0) { sum, o in
    sum + usual.reduce(0.0) { $0 + (o > $1 ? 1 : o == $1 ? 0.5 : 0) }
  }
  return wins / Double(usual.count * odd.count)
}

/// What every member of the suite promises.
@Suite struct CatalogueTests {
  @Test func `names are unique and found again`() {
    #expect(Set(Catalogue.all.map { $0.name }).count == Catalogue.all.count)
    for entry in Catalogue.tested { #expect(Catalogue.entry(named: entry.name)?.name == entry.name) }
    #expect(Catalogue.entry(named: "nothing") == nil)
  }

  @Test("the same data and seed give the same bits", arguments: Catalogue.tested)
  func sameBits(entry: Catalogue.Entry) throws {
    let models = try [entry.quick(World.training), entry.quick(World.training)]
    #expect(models[0].encode() == models[1].encode())
    #expect(models[0].sample(count: 7, seed: 4) == models[1].sample(count: 7, seed: 4))
    #expect(models[0].sample(count: 7, seed: 4) != models[1].sample(count: 7, seed: 5))
  }

  @Test("what is written and read back scores bit for bit the same", arguments: Catalogue.tested)
  func roundTrip(entry: Catalogue.Entry) throws {
    let model = try entry.fitted()
    let copy = try entry.decode(model.encode())
    let rows = World.rows(100, seed: 2)
    #expect(scores(copy, rows) == scores(model, rows))
    #expect(copy.encode() == model.encode())
    #expect(
      copy.expectation(of: Array(rows[..<World.width]), mask: nil)
        == model.expectation(of: Array(rows[..<World.width]), mask: nil))
    #expect(copy.sample(count: 3, seed: 1) == model.sample(count: 3, seed: 1))
    #expect(copy.width == World.width && type(of: copy).catalogueName == entry.name)
  }

  @Test("bytes of another model, or cut short, are a typed error", arguments: Catalogue.tested)
  func wrongBytes(entry: Catalogue.Entry) throws {
    let bytes = try entry.fitted().encode()
    #expect(throws: WeightsError.self) { try entry.decode(Array(bytes.dropLast(4))) }
    for other in Catalogue.tested where other.name != entry.name {
      #expect(throws: WeightsError.wrongModel(have: entry.name, want: other.name)) { try other.decode(bytes) }
    }
  }

  @Test(
    "a file with wrong bytes is refused or is a model that scores, and never ends the process",
    arguments: Catalogue.tested)
  func damagedBytes(entry: Catalogue.Entry) throws {
    let whole = try entry.fitted().encode()
    var random = RandomStream(seed: 11)
    for round in 0..<200 {
      var bytes = whole
      // What describes the model stands in front: most of the damage goes there.
      let reach = round % 4 == 0 ? bytes.count : min(bytes.count, 2048)
      for _ in 0...random.below(2) {
        let place = random.below(min(reach, bytes.count))
        switch random.below(4) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = UInt8(ascii: "0") + UInt8(random.below(10))
        case 2: bytes.insert(UInt8(ascii: "0") + UInt8(random.below(10)), at: place)
        default: bytes.remove(at: place)
        }
      }
      do {
        let model = try entry.decode(bytes)
        if model.width == World.width { _ = scores(model, World.rows(4, seed: 2)) }
      } catch {
        #expect(error is WeightsError, "\(error)")
      }
    }
  }

  @Test("planted outliers score above usual rows", arguments: Catalogue.tested)
  func outliers(entry: Catalogue.Entry) throws {
    let model = try entry.fitted()
    let usual = World.rows(200, seed: 2)
    var odd = World.rows(200, seed: 3)
    var random = RandomStream(seed: 9)
    for row in 0..<200 {
      let input = row * World.width + random.below(World.width)
      odd[input] += random.bernoulli(0.5) ? 8 : -8
    }
    #expect(auroc(usual: scores(model, usual), odd: scores(model, odd)) >= 0.95)
  }

  @Test(
    "an outlier's input contributes most, and what is expected of it comes from the rest",
    arguments: Catalogue.tested)
  func explanation(entry: Catalogue.Entry) throws {
    let model = try entry.fitted()
    let usual = World.rows(10, seed: 2)
    for row in 0..<10 {
      var input = Array(usual[row * World.width..<(row + 1) * World.width])
      let before = model.expectation(of: input, mask: nil)
      let which = row % World.width
      input[which] += 15
      let after = model.expectation(of: input, mask: nil)
      #expect(after.contribution.indices.max { after.contribution[$0] < after.contribution[$1] } == which)
      #expect(after.contribution.allSatisfy { $0 >= 0 } && after.spread.allSatisfy { $0 > 0 })
      // The outlier hardly moves what is expected of its own place.
      #expect(abs(after.expected[which] - before.expected[which]) < 3)
    }
  }

  @Test("a planted NaN is a typed error that says where", arguments: Catalogue.tested)
  func planted(entry: Catalogue.Entry) {
    for value: Float in [.nan, .infinity] {
      var data = World.training
      data.values[5 * World.width + 2] = value
      #expect(throws: FitError.notFinite(row: 5, column: 2)) { try entry.fit(data, 3, { false }) }
    }
  }

  @Test("too few rows are a typed error", arguments: Catalogue.tested)
  func fewRows(entry: Catalogue.Entry) {
    let data = DataMatrix(rows: 1, columns: 3, values: [1, 2, 3])
    #expect(throws: FitError.self) { try entry.fit(data, 3, { false }) }
  }

  @Test("missing entries in training and scoring give finite scores", arguments: Catalogue.tested)
  func missing(entry: Catalogue.Entry) throws {
    var random = RandomStream(seed: 11)
    func masked(_ rows: [Float]) -> ([Float], [Float]) {
      let mask = rows.map { _ in random.bernoulli(0.2) ? Float(0) : 1 }
      return (zip(rows, mask).map { $0 * $1 }, mask)
    }
    let (values, mask) = masked(World.training.values)
    let data = DataMatrix(rows: 400, columns: World.width, values: values, mask: mask)
    let model = try entry.quick(data)
    let (test, testMask) = masked(World.rows(200, seed: 2))
    let usual = scores(model, test, mask: testMask)
    #expect(usual.allSatisfy { $0.isFinite })
    // Nothing observed at all, too.
    let nothing = [Float](repeating: 0, count: World.width)
    #expect(scores(model, nothing, mask: nothing).allSatisfy { $0.isFinite })
    // A mask of ones is no mask.
    let ones = [Float](repeating: 1, count: test.count)
    #expect(scores(model, test, mask: ones) == scores(model, test))
    // What hides under the mask does not matter.
    let noise = zip(test, testMask).map { $1 == 0 ? Float(77) : $0 }
    #expect(scores(model, noise, mask: testMask) == usual)
    let expectation = model.expectation(
      of: Array(test[..<World.width]), mask: Array(testMask[..<World.width]))
    #expect((expectation.expected + expectation.contribution).allSatisfy { $0.isFinite })
  }

  @Test("enormous values give finite scores, above those of usual rows", arguments: Catalogue.tested)
  func enormous(entry: Catalogue.Entry) throws {
    let model = try entry.fitted()
    let usual = scores(model, World.rows(100, seed: 2)).max() ?? .infinity
    for value: Float in [1e30, -1e30, .greatestFiniteMagnitude, -.greatestFiniteMagnitude] {
      let all = [Float](repeating: value, count: World.width)
      var one = World.rows(1, seed: 2)
      one[4] = value
      for row in [all, one] {
        let score = scores(model, row)[0]
        #expect(score.isFinite && score > usual)
        let expectation = model.expectation(of: row, mask: nil)
        #expect((expectation.expected + expectation.contribution).allSatisfy { $0.isFinite })
      }
    }
    // A few of them among the training rows do not ruin the rest.
    var data = World.training
    data.values[7] = 1e30
    data.values[100] = -1e25
    let robust = try entry.quick(data)
    #expect(scores(robust, World.rows(100, seed: 2)).allSatisfy { $0.isFinite })
  }

  @Test("constant columns, one column and many rows at once are no trouble", arguments: Catalogue.tested)
  func degenerate(entry: Catalogue.Entry) throws {
    let constant = DataMatrix(rows: 64, columns: 3, values: [Float](repeating: 2, count: 192))
    #expect(scores(try entry.quick(constant), [2, 2, 2, 5, 2, 2]).allSatisfy { $0.isFinite })
    var random = RandomStream(seed: 12)
    let narrow = try entry.quick(DataMatrix(rows: 64, columns: 1, values: random.normals(64)))
    let far = scores(narrow, [0, 30])
    #expect(far[1] > far[0])
    let model = try entry.fitted()
    let rows = World.rows(150, seed: 8)
    let together = scores(model, rows)
    for row in [0, 63, 64, 149] {
      let alone = scores(model, Array(rows[row * World.width..<(row + 1) * World.width]))
      #expect(abs(alone[0] - together[row]) <= 1e-4 * max(1, abs(together[row])))
    }
  }

  @Test("samples have the means and deviations of the data", arguments: Catalogue.tested)
  func samples(entry: Catalogue.Entry) throws {
    let model = try entry.fitted()
    let sampled = DataMatrix(rows: 1000, columns: World.width, values: model.sample(count: 1000, seed: 6))
    for j in 0..<World.width {
      func moments(_ data: DataMatrix) -> (Float, Float) {
        let column = (0..<data.rows).map { data.values[$0 * data.columns + j] }
        let mean = column.reduce(0, +) / Float(data.rows)
        return (mean, (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(data.rows)).squareRoot())
      }
      let (mean, deviation) = moments(World.training)
      let (sampleMean, sampleDeviation) = moments(sampled)
      #expect(abs(sampleMean - mean) < 0.35 * deviation)
      #expect(sampleDeviation > 0.6 * deviation && sampleDeviation < 1.5 * deviation)
    }
  }

  @Test(
    "a stop before anything was learned is a typed error",
    arguments: Catalogue.tested.filter { $0.name != "independent" })
  func stopped(entry: Catalogue.Entry) {
    let long = DataMatrix(rows: 4000, columns: World.width, values: World.rows(4000, seed: 1))
    #expect(throws: FitError.stopped) { try entry.fit(long, 3, { true }) }
  }
}
