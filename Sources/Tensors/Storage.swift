/// Memory for some numbers, aligned for vectors, given back when nobody refers to it.
@safe public final class Storage {
  let base: UnsafeMutablePointer<Float>
  public let capacity: Int

  /// Zeros.
  public init(capacity: Int) {
    self.capacity = capacity
    let bytes = max(capacity, 1) * MemoryLayout<Float>.stride
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: max(capacity, 1))
    unsafe base.update(repeating: 0, count: max(capacity, 1))
  }

  deinit { unsafe base.deallocate() }

  /// A view of this memory, which must outlive it.
  public func view(_ layout: Layout) -> View {
    precondition(
      layout.offset >= 0 && layout.offset + layout.shape.size <= capacity || !layout.isContiguous,
      "the shape \(layout.shape) at \(layout.offset) in memory for \(capacity) numbers")
    return unsafe View(memory: base, layout: layout)
  }

  public func view(_ shape: Shape) -> View { view(Layout(shape)) }
}

/// Memory that is used again: what was given back is taken before anything new is allocated.
public final class StoragePool {
  private var free: [Int: [Storage]] = [:]
  /// How often memory was truly allocated.
  public private(set) var allocations = 0
  /// How many numbers that memory holds.
  public private(set) var numbers = 0

  public init() {}

  /// Memory for at least `count` numbers; its content is whatever was there.
  public func take(_ count: Int) -> Storage {
    let size = StoragePool.size(count)
    if let storage = free[size]?.popLast() { return storage }
    allocations += 1
    numbers += size
    return Storage(capacity: size)
  }

  /// Memory that was given back, if there is any for `count` numbers.
  public func takeFree(_ count: Int) -> Storage? { free[StoragePool.size(count)]?.popLast() }

  /// Lets go of all memory that was given back.
  public func forget() { free.removeAll(keepingCapacity: true) }

  /// Gives memory back that nobody looks at any more.
  public func give(_ storage: Storage) { free[storage.capacity, default: []].append(storage) }

  /// Rounded up to an eighth of a power of two, so that similar sizes meet.
  private static func size(_ count: Int) -> Int {
    guard count > 128 else { return (max(count, 1) + 15) / 16 * 16 }
    let grain = 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount - 3)
    return (count + grain - 1) / grain * grain
  }
}
