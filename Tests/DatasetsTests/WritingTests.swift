import Datasets
import Foundation
import Glibc
import Testing

@Suite struct WritingTests {
  @Test func `a device is written to and stays a device`() throws {
    var before = stat()
    try #require(unsafe stat("/dev/null", &before) == 0)
    // Through a link, as /dev/stdout is one; somebody who may not replace the device would notice nothing otherwise.
    let folder = FileManager.default.temporaryDirectory.appending(path: "device-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let link = folder.appending(path: "out").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/null")
    try FileBytes.checkWritable(link)
    try FileBytes.write([1, 2, 3], to: link)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/dev/null")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    var after = stat()
    try #require(unsafe stat("/dev/null", &after) == 0)
    #expect(before.st_rdev == after.st_rdev && before.st_ino == after.st_ino)
  }

  let array = DataArray(shape: [4, 3, 2], values: Fixtures.numbers(24), levels: 256)

  func there(and format: DataFormat, _ array: DataArray) throws -> DataArray {
    let name = "t.\(format == .text ? "txt" : format.rawValue)"
    return try DataFile.decode(try DataFile.encode(array, as: format, name: name), name: name)
  }

  @Test func `what NumPy wrote is written to the bit`() throws {
    for name in ["f4", "vector"] {
      let array = try Fixtures.read("\(name).npy")
      #expect(try DataFile.encode(array, as: .npy, name: "") == Fixtures.bytes("\(name).npy"))
    }
  }

  @Test func `arrays come back`() throws {
    #expect(try there(and: .idx, array) == array)
    var fractions = array
    fractions.levels = nil
    fractions.values[3] = 0.25
    fractions.mask = Array(repeating: 1, count: 24)
    fractions.mask?[7] = 0
    fractions.values[7] = 0
    #expect(try there(and: .npy, fractions) == fractions)
    #expect(try there(and: .idx, fractions) == fractions)
  }

  @Test func `sound comes back to a half step of 16 bits`() throws {
    var sound = DataArray(shape: [4], values: [-1, 0.3, 0.99999, 2])
    sound.sampleRate = 16000
    let back = try there(and: .wav, sound)
    #expect(back.sampleRate == 16000)
    for (a, b) in zip(back.values, [-1, 0.3, 0.99999, 1] as [Float]) { #expect(abs(a - b) < 1.0 / 32000) }
    let two = DataArray(shape: [2, 3], values: [0, 0.5, 0, 0, -0.5, 0])
    #expect(try there(and: .wav, two).rows == 3 + 2000 + 3)
  }

  @Test func `text comes back, rows as lines`() throws {
    var text = try DataFile.decode(Array("to be\nor not".utf8), name: "t.txt")
    #expect(try DataFile.encode(text, as: .text, name: "") == Array("to be\nor not".utf8))
    text.shape = [3, 4]
    #expect(try DataFile.encode(text, as: .text, name: "") == Array("to b\ne\nor\n not\n".utf8))
    #expect(
      refusal { try DataFile.encode(array, as: .text, name: "t.txt") }?.contains("no vocabulary") == true)
  }

  @Test func `pictures lie in a grid with a gap`() throws {
    let pictures = DataArray(
      shape: [3, 2, 2], values: [0, 0.2, 0.4, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    let back = try there(and: .png, pictures)
    #expect(back.shape == [1, 5, 5])
    let g: Float = 128
    #expect(
      back.values == [
        0, 51, g, 255, 255, 102, 255, g, 255, 255, g, g, g, g, g, 0, 0, g, g, g, 0, 0, g, g, g,
      ])
    let row = try DataFile.decode(
      try DataFile.encode(
        pictures, as: .png, name: "", .init(grid: PictureGrid(columns: 3, gap: 0))), name: "t.png")
    #expect(row.shape == [1, 2, 6])
  }

  @Test func `what is black and white is the data's, unless said`() throws {
    func pixels(_ array: DataArray, _ range: PictureGrid.Range) throws -> [Float] {
      try DataFile.decode(PictureGrid(range: range).encode(array, name: ""), name: "t.png").values
    }
    let wide = DataArray(shape: [1, 1, 3], values: [-10, 0, 10])
    #expect(try pixels(wide, .automatic) == [0, 128, 255])
    #expect(try pixels(wide, .between(0, 20)) == [0, 0, 128])
    let narrow = DataArray(shape: [1, 1, 3], values: [0.2, 0.3, 0.4])
    #expect(try pixels(narrow, .automatic) == [51, 77, 102])
    #expect([127, 128].contains(try pixels(narrow, .eachPicture)[1]))
    let bytes = DataArray(shape: [1, 1, 3], values: [3, 4, 5], levels: 256)
    #expect(try pixels(bytes, .automatic) == [3, 4, 5])
    #expect(try pixels(DataArray(shape: [1, 1, 2], values: [7, 7]), .automatic) == [0, 0])
  }

  @Test func `colour comes back, transparency is left out, flat rows are squares`() throws {
    let colour = try Fixtures.read("rgb8.png")
    #expect(try there(and: .png, colour) == colour)
    let transparent = try Fixtures.read("rgba8.png")
    #expect(try there(and: .png, transparent).values == Array(transparent.values.prefix(45)))
    #expect(
      try there(and: .png, DataArray(shape: [1, 9], values: Fixtures.numbers(9), levels: 256)).shape == [
        1, 3, 3,
      ])
    #expect(
      refusal { try there(and: .png, DataArray(shape: [1, 8], values: Fixtures.numbers(8))) }?
        .contains("are no pictures") == true)
  }

  @Test func `a file is written whole, compressed when its name says so, or not at all`() throws {
    try withFolder { folder in
      try DataFile.write(array, to: folder + "/a.npy")
      try DataFile.write(array, to: folder + "/a.npy.gz")
      #expect(try DataFile.read(folder + "/a.npy").values == array.values)
      #expect(try DataFile.read(folder + "/a.npy.gz").values == array.values)
      let raw = try Data(contentsOf: URL(filePath: folder + "/a.npy.gz"))
      #expect(raw.starts(with: [0x1f, 0x8b]))
      #expect(raw.count < 224)
      #expect(try Data(contentsOf: URL(filePath: folder + "/a.npy")).starts(with: [0x93]))
      #expect(
        refusal { try DataFile.write(array, to: folder + "/no/a.npy") }?.contains("cannot be created") == true
      )
      #expect(refusal { try DataFile.write(array, to: folder + "/a.xyz") }?.contains("no known kind") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.npy", "a.npy.gz"])
      try DataFile.write(array, to: folder + "/empty.csv")
      try FileBytes.write([], to: folder + "/empty.csv")
      #expect(try FileBytes.read(folder + "/empty.csv") == [])
    }
  }
}
