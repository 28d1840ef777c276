import Generative
import Tensors
import Testing

@testable import Detection

@Suite struct CompanionTests {
  /// All that see inputs alone; a season has its own tests.
  static let kinds = CompanionKind.allCases.filter { $0 != .season }

  /// Inputs of an ordered stream of three fields: levels that share a cause, their changes, and their means.
  func inputs(_ rows: Int, seed: UInt64) -> DataMatrix {
    var random = RandomStream(seed: seed, stream: 6)
    var values: [Float] = []
    for _ in 0..<rows {
      let cause = random.normal()
      for part in 0..<9 { values.append(part < 3 ? cause + 0.3 * random.normal() : random.normal()) }
    }
    return DataMatrix(rows: rows, columns: 9, values: values)
  }

  /// A row that this companion in particular should find strange.
  func strange(_ kind: CompanionKind) -> [Float] {
    switch kind {
    case .robustChange: [0, 0, 0, 7, -7, 7, 0, 0, 0]
    // Each level is usual by itself; together they never come.
    case .residual, .covariance, .windowResidual: [2, -2, 2, 0, 0, 0, 0, 0, 0]
    case .robustZ, .mixture, .kMeans, .neighbours, .windowNeighbours, .autoregression, .season, .forest,
      .histogram:
      [6, -6, 6, 4, -4, 4, 4, -4, 4]
    }
  }

  @Test(arguments: kinds)
  func `a companion finds what it is there for stranger than nearly all that is usual`(kind: CompanionKind)
    throws
  {
    let companion = Member.companion(try kind.fit(inputs(1000, seed: 1), fields: 3, seed: 1))
    let usual = companion.scores(of: inputs(1000, seed: 2)).sorted()
    let found = companion.scores(of: DataMatrix(rows: 1, columns: 9, values: strange(kind)))[0]
    let areFinite = usual.allSatisfy { $0.isFinite }
    #expect(areFinite)
    #expect(found > usual[990], "\(kind) \(found), of the usual \(usual[500]) to \(usual[999])")
  }

  @Test(arguments: kinds)
  func `a companion comes back from its bytes with the same scores and refuses broken ones`(
    kind: CompanionKind
  ) throws {
    let companion = Member.companion(try kind.fit(inputs(300, seed: 3), fields: 3, seed: 5))
    let again = Member.companion(try kind.fit(inputs(300, seed: 3), fields: 3, seed: 5))
    let bytes = companion.encode()
    #expect(again.encode() == bytes, "the same rows and seed give the same bits")
    let rows = inputs(100, seed: 4)
    let copy = Member.companion(try kind.decode(bytes))
    #expect(copy.scores(of: rows) == companion.scores(of: rows))
    #expect(throws: DetectionDecodingError.self) { try kind.decode(Array(bytes.dropLast(3))) }
    #expect(throws: DetectionDecodingError.self) { try kind.decode([9, 0, 0, 0] + bytes.dropFirst(4)) }
  }

  @Test(arguments: kinds)
  func `a row scores the same alone as among others`(kind: CompanionKind) throws {
    let companion = Member.companion(try kind.fit(inputs(300, seed: 7), fields: 3, seed: 1))
    let rows = inputs(64, seed: 8)
    let together = companion.scores(of: rows)
    for row in [0, 13, 63] {
      let alone = companion.scores(
        of: DataMatrix(rows: 1, columns: 9, values: Array(rows.values[row * 9..<(row + 1) * 9])))
      #expect(alone[0].bitPattern == together[row].bitPattern)
    }
  }

  @Test func `rows that never vary give finite scores`() throws {
    let still = DataMatrix(rows: 40, columns: 6, values: Array(repeating: 0, count: 240))
    for kind in Self.kinds {
      let companion = Member.companion(try kind.fit(still, fields: 2, seed: 1))
      let scores = companion.scores(
        of: DataMatrix(rows: 2, columns: 6, values: [0, 0, 0, 0, 0, 0, 36, 36, 36, 36, 36, 36]))
      let areFinite = scores.allSatisfy { $0.isFinite }
      #expect(areFinite, "\(kind) \(scores)")
      #expect(scores[1] >= scores[0], "\(kind) \(scores)")
    }
  }

  @Test func `ordered rows and rows without order have their own companions`() {
    var settings = DetectionSettings()
    let ordered = settings.detectors.map(\.rawValue)
    #expect(ordered.prefix(3) == ["autoencoder", "rbm", "robust-z"])
    #expect(ordered.contains("sub-pca") && !ordered.contains("forest"))
    settings.ordered = false
    let unordered = settings.detectors.map(\.rawValue)
    #expect(unordered == ["autoencoder", "rbm", "robust-z", "neighbours", "forest", "histogram"])
    settings.companions.names = []
    #expect(settings.detectors == [.autoencoder, .rbm])
  }
}

@Suite struct FigureMemoryTests {
  @Test func `lasting oddness adds up and one extreme event is soon forgotten`() {
    var calm = FigureMemory()
    var lasting = FigureMemory()
    var once = FigureMemory()
    var (usual, odd, after): (Float, Float, Float) = (0, 0, 0)
    _ = once.add(100_000)
    for _ in 0..<60 {
      usual = calm.add(1)
      odd = lasting.add(3)
      after = once.add(1)
    }
    #expect(usual == 3, "a mean of −ln p of 1 is what chance gives")
    #expect(odd > 2.5 * usual)
    #expect(after < usual + 0.2)
  }

  @Test func `what begins stands out from what goes on, and does so again after a while`() {
    var memory = FigureMemory()
    memory.assumePeak(of: 7, most: 4)
    var usual: Float = 0
    for _ in 0..<100 { usual += memory.beginning(1) }
    #expect(usual == 0, "a past like any other is assumed")
    let begins = memory.beginning(12)
    let goesOn = (0..<50).map { _ in memory.beginning(11.5) }.reduce(0, +)
    #expect(begins > 8 && goesOn == 0)
    for _ in 0..<Int(FigureMemory.peakHalfLife) { _ = memory.beginning(1) }
    #expect(abs(memory.beginning(12) - 5.7) < 0.3, "half is forgotten")
  }

  @Test func `what began stays a little in the figure for a while, below its first event, and is forgotten`()
  {
    var memory = FigureMemory()
    memory.assumePeak(of: 7, most: 4)
    for _ in 0..<100 { #expect(memory.begun(1) == 0) }
    let first = memory.begun(12)
    let next = memory.begun(12)
    #expect(first > 8 && next > 0 && next < 0.05 * first)
    for _ in 0..<Int(FigureMemory.lastingHalfLife) { _ = memory.begun(1) }
    #expect(abs(memory.begun(1) / next - 0.5) < 0.02, "half is forgotten")
  }

  @Test func `a memory comes back from its bytes`() throws {
    var memory = FigureMemory()
    for figure: Float in [1, 5, 2] {
      _ = memory.add(figure)
      _ = memory.beginning(figure)
    }
    var writer = ByteWriter()
    memory.encode(to: &writer)
    var reader = ByteReader(writer.bytes, section: "test")
    let copy = try FigureMemory(decoding: &reader)
    #expect(copy == memory)
  }
}
