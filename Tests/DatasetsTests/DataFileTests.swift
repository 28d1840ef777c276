import Datasets
import Testing

@Suite struct DataFileTests {
  @Test func `a table of numbers`() throws {
    let array = try DataFile.decode(Array("a,b\n1,2\n".utf8), name: "t.csv")
    #expect(array.shape == [1, 2])
  }
}
