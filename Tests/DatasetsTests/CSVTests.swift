import Datasets
import Testing

@Suite struct CSVTests {
  func table(_ text: String, text columns: Set<String> = []) throws -> DataArray {
    try DataFile.decode(Array(text.utf8), name: "t.csv", .init(textColumns: columns))
  }

  @Test func `numbers under a header`() throws {
    let array = try table("a,\"b, or so\",c\n1,-2.5e3,+.5\r\n\n4,5,6")
    #expect(array.columns == ["a", "b, or so", "c"])
    #expect(array.shape == [2, 3])
    #expect(array.values == [1, -2500, 0.5, 4, 5, 6])
  }

  @Test func `numbers without a header`() throws {
    let array = try table("1,2\n3,4\n5,6\n")
    #expect(array.columns == nil)
    #expect(array.shape == [3, 2])
    #expect(array.values == [1, 2, 3, 4, 5, 6])
  }

  @Test func `semicolons and tabs part cells where there is no comma`() throws {
    #expect(try table("a;b\n1;2\n").columns == ["a", "b"])
    #expect(try table("a\tb\n1\t2\n").values == [1, 2])
  }

  @Test func `what is missing is counted`() throws {
    let array = try table("a,b,c,d\n,nan,NA,inf\n1,null,3,None\n")
    #expect(array.missing == 6)
    #expect(array.mask == [0, 0, 0, 0, 1, 0, 1, 0])
    #expect(array.values == [0, 0, 0, 0, 1, 0, 3, 0])
    #expect(array.column("c").map { $0[0].isNaN && $0[1] == 3 } == true)
  }

  @Test func `beyond the range of a number is the largest, not missing`() throws {
    let array = try table("a\n1e300\n-1e300\n")
    #expect(array.values == [.greatestFiniteMagnitude, -.greatestFiniteMagnitude])
    #expect(array.missing == 0)
  }

  @Test func `words are refused with file, row and column`() {
    #expect(
      refusal { try table("x,y\n1,2\n3,abc\n") }?
        .hasPrefix("t.csv: row 1 (line 3), column \"y\": \"abc\" is no number: write a number") == true)
    #expect(
      refusal { try table("1,2\n3,abc\n") }?.hasPrefix("t.csv: row 1 (line 2), column 1: \"abc\"") == true)
    #expect(
      refusal { try table("x,y\n1,2\n3\n") }?
        .hasPrefix("t.csv: row 1 (line 3): has 1 cells where the header has 2") == true)
    #expect(refusal { try table("x,x\n1,2\n") }?.contains("names the column x twice") == true)
    #expect(refusal { try table("") }?.contains("is empty") == true)
    #expect(refusal { try table("x,y\n") }?.contains("has a header and no rows") == true)
  }

  @Test func `columns of words are kept apart when asked for`() throws {
    let array = try table(
      "split,x,label\ntrain,1,a\ntest,2,\"b, c\"\n", text: ["split", "label", "elsewhere"])
    #expect(array.columns == ["x"])
    #expect(array.values == [1, 2])
    #expect(array.texts == ["split": ["train", "test"], "label": ["a", "b, c"]])
    #expect(array.rows([1]).texts == ["split": ["test"], "label": ["b, c"]])
  }

  @Test func `a table comes back as it was written`() throws {
    var array = DataArray(
      shape: [2, 3], values: [1, 0.1, -3e-9, 0, 1e20, 16_777_216], mask: [1, 1, 1, 0, 1, 1],
      columns: ["a", "b \"quoted\"", " c, d"])
    array.texts["note"] = ["x,y", "z\nz"]
    let bytes = try DataFile.encode(array, as: .csv, name: "t.csv")
    let back = try DataFile.decode(bytes, name: "t.csv", .init(textColumns: ["note"]))
    #expect(back == array)
    #expect(String(decoding: bytes, as: UTF8.self).contains("\n1,0.1,-3e-09,\"x,y\"\n"))
  }
}
