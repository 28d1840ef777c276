/// The threads that a computation may use, and working space for each.
///
/// Work is split so that every number is computed by one thread in the same way: the result has the same bits however
/// many there are.
public final class Workers {
  /// How many threads work, the caller's among them.
  public let count: Int
  private var spaces: [Storage]

  public init(count: Int = 1) {
    precondition(count >= 1, "\(count) threads")
    self.count = count
    spaces = (0..<count).map { _ in Storage(capacity: 0) }
  }

  /// Working space of the calling thread for `count` numbers, valid until it asks again; grows and stays.
  func space(_ count: Int, worker: Int = 0) -> Storage {
    if spaces[worker].capacity < count { spaces[worker] = Storage(capacity: count + count / 4) }
    return spaces[worker]
  }
}
