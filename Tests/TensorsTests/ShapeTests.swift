import Tensors
import Testing

struct ShapeTests {
  @Test func `a shape is a collection of its extents`() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.count == 3 && shape.size == 24 && shape[1] == 3 && shape.last == 4)
    #expect("\(shape)" == "[2, 3, 4]")
    #expect(shape.axis(-1) == 2)
    #expect(Shape([]).size == 1)
    #expect(shape.replacing(-2, with: 1) == [2, 1, 4])
    #expect(shape.removing(0) == [3, 4] && shape.inserting(1, at: 3) == [2, 3, 4, 1])
    #expect(shape.inserting(1, at: -1) == [2, 3, 4, 1] && shape.inserting(1, at: -4) == [1, 2, 3, 4])
    #expect(shape.reducing([0, 2], keepingAxes: true) == [1, 3, 1])
    #expect(shape.reducing([0, 2], keepingAxes: false) == [3])
  }

  @Test func `shapes spread as NumPy's do`() {
    #expect(Shape([2, 1, 3]).broadcast(with: [4, 1]) == [2, 4, 3])
    #expect(Shape([]).broadcast(with: [2]) == [2])
    #expect(Shape([0, 1]).broadcast(with: [1, 3]) == [0, 3])
  }

  static let counted = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])

  @Test func `views of a tensor give the elements that their indices say`() {
    let x = Self.counted
    let turned = x.transposed(0, 2)
    #expect(turned.shape == [4, 3, 2])
    for i in 0..<4 {
      for j in 0..<3 {
        for k in 0..<2 { #expect(turned.values[i * 6 + j * 2 + k] == x.values[k * 12 + j * 4 + i]) }
      }
    }
    #expect(
      x.sliced(1, from: 1, count: 2).values == [4, 5, 6, 7, 8, 9, 10, 11].map(Float.init)
        + (16..<24).map(Float.init))
    #expect(x.sliced(2, from: 1, count: 2, stride: 2).values.prefix(4) == [1, 3, 5, 7])
    #expect(x.transposed(1, 2).reshaped([8, 3]).values == x.transposed(1, 2).values)
    #expect(Tensor([1, 2], shape: [2, 1]).expanded(to: [2, 3]).values == [1, 1, 1, 2, 2, 2])
  }

  @Test func `changing a view leaves what it was made from`() {
    var x = Self.counted
    var view = x.transposed(0, 1)
    view.values[0] = 100
    #expect(x.values[0] == 0 && view.values[0] == 100)
    x.values[1] = 50
    #expect(view.values[1] == 1)
  }

  @Test func `a reshape without copies is found where there is one`() {
    let layout = Layout([2, 3, 4])
    #expect(layout.transposed(0, 1).reshaped([3, 8]) == nil)
    #expect(layout.transposed(0, 1).reshaped([3, 2, 2, 2]) != nil)
    #expect(layout.sliced(2, from: 0, count: 2).reshaped([6, 2]) != nil)
    #expect(layout.sliced(2, from: 0, count: 2).reshaped([12]) == nil)
    #expect(Layout([2, 1, 3]).transposed(0, 1).reshaped([6])?.isContiguous == true)
  }
}

struct StorageTests {
  @Test func `a pool gives memory again and counts what it allocated`() {
    let pool = StoragePool()
    let first = pool.take(100)
    pool.give(first)
    let second = pool.take(98)
    #expect(first === second && pool.allocations == 1)
    #expect(pool.take(100) !== second && pool.allocations == 2)
    #expect(pool.numbers == 224)
  }

  @Test func `views read and write what lies in memory`() {
    let storage = Storage(capacity: 6)
    let view = storage.view([2, 3])
    view.assign([1, 2, 3, 4, 5, 6])
    #expect(view.transposed().values == [1, 4, 2, 5, 3, 6])
    view.sliced(1, from: 1, count: 1).fill(0)
    #expect(view.values == [1, 0, 3, 4, 0, 6])
    view.assign(rows: [1, 0][...], of: [7, 8, 9, 10, 11, 12])
    #expect(view.values == [10, 11, 12, 7, 8, 9])
    let columns = Storage(capacity: 3)
    let sums = columns.view([3])
    Reductions.sum(view, into: sums)
    #expect(sums.values == [17, 19, 21])
    let rows = Storage(capacity: 2)
    Reductions.sum(view, into: rows.view([2, 1]))
    #expect(rows.view([2]).values == [33, 24])
    let largest = Storage(capacity: 2)
    Reductions.maximum(view, into: largest.view([2, 1]))
    #expect(largest.view([2]).values == [12, 9])
  }
}
