import Datasets
import Foundation
import Testing

@Suite struct DataFileTests {
  @Test(arguments: [
    "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "big_i4", "big_f8", "version2", "version3",
  ])
  func `NumPy's arrays are what NumPy wrote`(name: String) throws {
    let array = try Fixtures.read("\(name).npy")
    #expect(array.shape == [4, 3])
    #expect(array.values == Fixtures.numbers(12))
    #expect(array.levels == (name == "u1" ? 256 : nil))
    #expect(array.mask == nil)
  }

  @Test func `truth values are two levels`() throws {
    let array = try Fixtures.read("b1.npy")
    #expect(array.values == Fixtures.numbers(12).map { $0.truncatingRemainder(dividingBy: 2) })
    #expect(array.levels == 2)
  }

  @Test func `an array by columns is turned`() throws {
    let array = try Fixtures.read("columns.npy")
    #expect(array.shape == [2, 3, 4])
    #expect(array.values == Fixtures.numbers(24))
    #expect(try Fixtures.read("vector.npy").shape == [5])
  }

  @Test func `what is not finite is missing`() throws {
    let array = try Fixtures.read("missing.npy")
    #expect(array.missing == 2)
    #expect(array.mask?[5] == 0 && array.values[5] == 0)
    #expect(array.mask?[9] == 0 && array.values[9] == 0)
  }

  @Test func `gzip is told by its content, not by its name`() throws {
    #expect(try Fixtures.read("compressed.npy.gz").values == Fixtures.numbers(12))
    try withFolder { folder in
      let raw = try Data(contentsOf: URL(filePath: Fixtures.path("compressed.npy.gz")))
      try raw.write(to: URL(filePath: folder + "/plain.npy"))
      #expect(try DataFile.read(folder + "/plain.npy").values == Fixtures.numbers(12))
      try raw.dropLast(20).write(to: URL(filePath: folder + "/cut.npy"))
      #expect(refusal { try DataFile.read(folder + "/cut.npy") }?.contains("ends early") == true)
    }
  }

  @Test(arguments: ["08", "09", "0b", "0c", "0d", "0e"])
  func `IDX of every kind of number`(code: String) throws {
    let array = try Fixtures.read("type\(code).idx")
    #expect(array.shape == [4, 3, 2])
    #expect(array.values == Fixtures.numbers(24))
    #expect(array.levels == (code == "08" ? 256 : nil))
  }

  @Test func `labels as MNIST has them`() throws {
    let array = try Fixtures.read("labels-idx1-ubyte.gz")
    #expect(array.shape == [6])
    #expect(array.values == Fixtures.numbers(6))
  }

  @Test func `pictures keep their numbers and get a plane per channel`() throws {
    func planes(_ channels: Int, _ factor: Float) -> [Float] {
      let pixels = Fixtures.numbers(15 * channels)
      return (0..<channels).flatMap { channel in
        (0..<15).map { factor * pixels[$0 * channels + channel] }
      }
    }
    let cases: [(String, Int, Float, Int)] = [
      ("grey8", 1, 1, 256), ("grey16", 1, 600, 65536), ("rgb8", 3, 1, 256), ("rgb16", 3, 600, 65536),
      ("rgba8", 4, 1, 256), ("grey_alpha8", 2, 1, 256),
    ]
    for (name, channels, factor, levels) in cases {
      let array = try Fixtures.read("\(name).png")
      #expect(array.shape == (channels == 1 ? [1, 3, 5] : [1, channels, 3, 5]), "\(name)")
      #expect(array.values == planes(channels, factor), "\(name)")
      #expect(array.levels == levels, "\(name)")
    }
    let palette = try Fixtures.read("palette.png")
    #expect(palette.shape == [1, 3, 3, 5])
    let entries = Fixtures.numbers(15).map { $0.truncatingRemainder(dividingBy: 4) }
    #expect(palette.values == entries.map { $0 * 10 } + entries.map { $0 * 20 } + entries.map { $0 * 30 })
    #expect(
      try Fixtures.read("bits.png").values
        == Fixtures.numbers(24).map { $0.truncatingRemainder(dividingBy: 2) * 255 })
  }

  @Test(arguments: ["pcm8", "pcm16", "pcm24", "pcm32", "float32"])
  func `sound of every width lies between -1 and 1`(name: String) throws {
    let array = try Fixtures.read("\(name).wav")
    #expect(array.shape == [12])
    #expect(array.sampleRate == 8000)
    #expect(array.values == Fixtures.numbers(12).map { ($0 - 50) / 128 })
  }

  @Test func `channels are mixed to one`() throws {
    #expect(try Fixtures.read("stereo.wav").values == Fixtures.numbers(12).map { ($0 - 50) / 512 })
  }

  @Test func `characters become classes, by a vocabulary of their own or by a given one`() throws {
    let array = try DataFile.decode(Array("abca\nü".utf8), name: "t.txt")
    #expect(array.vocabulary == ["\n", "a", "b", "c", "ü"])
    #expect(array.values == [1, 2, 3, 1, 0, 4])
    #expect(array.levels == 5)
    #expect(array.text(array.values) == "abca\nü")
    let options = DataFile.ReadingOptions(vocabulary: ["c", "b", "\n", "a"])
    #expect(try DataFile.decode(Array("cab".utf8), name: "t.txt", options).values == [0, 3, 1])
    #expect(
      refusal { try DataFile.decode(Array("cab\nax".utf8), name: "t.txt", options) }?
        .hasPrefix("t.txt: line 2, column 2: the character \"x\" is not among the 4") == true)
  }

  @Test func `folders of pictures and of recordings are rows`() throws {
    try withFolder { folder in
      for (place, name) in ["grey8.png", "grey8.png"].enumerated() {
        try FileManager.default.copyItem(atPath: Fixtures.path(name), toPath: "\(folder)/\(place).png")
      }
      #expect(try DataFile.read(folder).shape == [2, 3, 5])
      try FileManager.default.copyItem(atPath: Fixtures.path("rgb8.png"), toPath: "\(folder)/z.png")
      #expect(
        refusal { try DataFile.read(folder) }?.contains("5 × 3 RGB of 8 bits where") == true)
    }
    try withFolder { folder in
      #expect(refusal { try DataFile.read(folder) }?.contains("holds no PNG and no WAV") == true)
      for (name, samples) in [("a", 3), ("b", 5)] {
        var sound = DataArray(shape: [samples], values: Array(repeating: 0.5, count: samples))
        sound.sampleRate = 8000
        try DataFile.write(sound, to: "\(folder)/\(name).wav")
      }
      let array = try DataFile.read(folder)
      #expect(array.shape == [2, 5])
      #expect(array.mask == [1, 1, 1, 0, 0, 1, 1, 1, 1, 1])
    }
  }

  @Test func `a file that is not there and a kind that is not known are named`() {
    #expect(
      refusal { try DataFile.read("/nowhere/x.csv") }?.hasPrefix("/nowhere/x.csv: cannot be opened") == true)
    #expect(refusal { try DataFile.decode([1, 2, 3], name: "x.bin") }?.contains("no known kind") == true)
    for name in ["complex", "records", "scalar"] {
      #expect(refusal { try Fixtures.read("\(name).npy") } != nil, "\(name)")
    }
  }
}

@Suite(.enabled(if: Fixtures.shared != nil, "the public data are not beside the project"))
struct PublicDataTests {
  let folder = Fixtures.shared ?? ""

  @Test func `MNIST`() throws {
    let array = try DataFile.read(folder + "/mnist/train-images-idx3-ubyte.gz")
    #expect(array.shape == [60000, 28, 28])
    #expect(array.levels == 256)
    let labels = try DataFile.read(folder + "/mnist/t10k-labels-idx1-ubyte.gz")
    #expect(labels.shape == [10000])
    #expect(Array(labels.values.prefix(5)) == [7, 2, 1, 0, 4])
    // The mean of the test pixels is .1325 of white (known from everywhere that scales by it).
    let test = try DataFile.read(folder + "/mnist/t10k-images-idx3-ubyte.gz")
    let sum = unsafe test.values.withUnsafeBufferPointer { unsafe $0.reduce(0.0) { $0 + Double($1) } }
    #expect(abs(sum / Double(test.values.count) / 255 - 0.1325) < 0.0001)
  }

  @Test func `tables`() throws {
    let nltcs = try DataFile.read(folder + "/binary/nltcs.train.csv.gz")
    #expect(nltcs.shape == [16181, 16])
    #expect(nltcs.columns?.first == "x0")
    #expect(nltcs.values.allSatisfy { $0 == 0 || $0 == 1 })
    let wine = try DataFile.read(folder + "/winequality-red.csv")
    #expect(wine.shape == [1599, 12])
    let quality = try #require(wine.column("quality"))
    #expect(abs(quality.reduce(0, +) / 1599 - 5.636) < 0.001)
    #expect(wine.without(["quality"]).shape == [1599, 11])
  }

  @Test func `text and sound`() throws {
    let text = try DataFile.read(folder + "/shakespeare.txt")
    #expect(text.shape == [1_115_394])
    #expect(text.levels == 65)
    let sound = try DataFile.read(folder + "/spoken_digits/0_jackson_0.wav")
    #expect(sound.sampleRate == 8000)
    #expect(sound.rows > 1000)
  }
}
