/// The newest rows of a stream as they were scored, in order of time: among these an event that comes late is placed.
///
/// Bounded: ``mostBehind`` rows, or ``mostHeld`` around an incident, and before these as many as their windows see. Survives
/// neither a restart nor a new model.
struct RecentRows: Sendable {
  /// Rows that an event may come behind at most.
  static let mostBehind = 32
  /// The same while there is an incident whose rows are among them.
  static let mostHeld = 256

  /// Whether rows beyond ``mostBehind`` stay, as long as there are no more than ``mostHeld``.
  var holdsMore = false { didSet { if oldValue, !holdsMore { resize(to: least) } } }

  private(set) var count = 0
  /// Whether rows came before the oldest one that is held, without a gap in between.
  private(set) var hasOlder = true
  /// What was remembered of the figures before the oldest row.
  private var before = FigureMemory()
  private let fields: Int
  /// Rows that the window of a row sees before it.
  private let context: Int
  private var capacity: Int
  private var least: Int { context > 0 ? context + Self.mostBehind : 0 }
  /// Of a ring, as are the others: where the oldest row is.
  private var first = 0
  private var times: [Double]
  private var levels: [Float]
  /// Of each row by itself, before the memory adds its past; NaN when nothing of it came.
  private var figures: [Float]

  /// - Parameter context: rows that the window of a row sees before it; without these nothing is held.
  init(fields: Int = 0, context: Int = 0) {
    self.fields = fields
    self.context = context
    capacity = context > 0 ? context + Self.mostBehind : 0
    times = Array(repeating: 0, count: capacity)
    levels = Array(repeating: 0, count: capacity * fields)
    figures = Array(repeating: 0, count: capacity)
  }

  /// After a gap: what was before has nothing to do with what comes.
  ///
  /// - Parameter memory: of the figures before the next row.
  mutating func reset(_ memory: FigureMemory) {
    count = 0
    first = 0
    hasOlder = false
    before = memory
  }

  /// Takes the rows of a run that was scored, oldest first.
  ///
  /// - Parameters:
  ///   - newLevels: at least `range.count × fields`, from `offset` on.
  ///   - memory: of the figures before the first of them.
  mutating func append(
    _ newLevels: [Float], at offset: Int, figures newFigures: [Float], times newTimes: [Double],
    _ range: Range<Int>, memory: FigureMemory
  ) {
    if capacity == 0 { return }
    if count == 0 { before = memory }
    if holdsMore { makeRoom(for: range.count) }
    if range.count >= capacity {
      renew(newLevels, at: offset, figures: newFigures, times: newTimes, range)
      return
    }
    for row in range {
      if count == capacity { drop() }
      let place = slot(count)
      times[place] = newTimes[row]
      figures[place] = newFigures[row]
      let from = offset + (row - range.lowerBound) * fields
      for field in 0..<fields { levels[place * fields + field] = newLevels[from + field] }
      count += 1
    }
  }

  /// As many new rows as are held at most, or more: none of the old ones stays.
  private mutating func renew(
    _ newLevels: [Float], at offset: Int, figures newFigures: [Float], times newTimes: [Double],
    _ range: Range<Int>
  ) {
    let kept = range.upperBound - capacity
    if count > 0 || kept > range.lowerBound { hasOlder = true }
    for index in 0..<count { pass(figures[slot(index)]) }
    for row in range.lowerBound..<kept { pass(newFigures[row]) }
    first = 0
    count = capacity
    let from = offset + (kept - range.lowerBound) * fields
    Self.copy(newTimes, from: kept, to: &times)
    Self.copy(newFigures, from: kept, to: &figures)
    Self.copy(newLevels, from: from, to: &levels)
  }

  private static func copy<Number>(_ new: [Number], from first: Int, to array: inout [Number]) {
    var array = array.mutableSpan
    let new = new.span
    for index in array.indices { array[index] = new[first + index] }
  }

  /// How many of the rows came before or at a time.
  func place(of time: Double) -> Int {
    var place = count
    while place > 0, times[slot(place - 1)] > time { place -= 1 }
    return place
  }

  /// Whether an event may be put at a place: not too far behind, and what its window sees is known.
  func holds(_ place: Int) -> Bool {
    if count == 0 { return false }
    if count - place <= Self.mostBehind { return place > 0 || !hasOlder }
    return count - place <= Self.mostHeld && (place >= context || !hasOlder)
  }

  func time(_ index: Int) -> Double { times[slot(index)] }

  /// The levels of the rows before a place, oldest first; NaN where there are none.
  func context(before place: Int, rows: Int, into context: inout [Float]) {
    context.removeAll(keepingCapacity: true)
    for index in place - rows..<place {
      for field in 0..<fields { context.append(index < 0 ? .nan : levels[slot(index) * fields + field]) }
    }
  }

  /// What is remembered of the figures before a place.
  func memory(before place: Int) -> FigureMemory {
    var memory = before
    for index in 0..<place where !figures[slot(index)].isNaN { _ = memory.add(figures[slot(index)]) }
    return memory
  }

  /// Puts a row between those before and those from `place` on.
  mutating func insert(_ level: ArraySlice<Float>, figure: Float, time: Double, at place: Int) {
    var place = place
    if holdsMore { makeRoom(for: 1) }
    if count == capacity {
      // The oldest one makes room; there are rows before the place, else it could not be told.
      drop()
      place -= 1
    }
    for index in (place..<count).reversed() {
      let (from, to) = (slot(index), slot(index + 1))
      times[to] = times[from]
      figures[to] = figures[from]
      for field in 0..<fields { levels[to * fields + field] = levels[from * fields + field] }
    }
    let new = slot(place)
    times[new] = time
    figures[new] = figure
    for field in 0..<fields { levels[new * fields + field] = level[level.startIndex + field] }
    count += 1
  }

  /// Grows by doubling, so that an incident costs few allocations however long it lasts.
  private mutating func makeRoom(for rows: Int) {
    let most = context + Self.mostHeld
    guard count + rows > capacity, capacity < most else { return }
    var wanted = 2 * capacity
    while wanted < count + rows { wanted *= 2 }
    resize(to: min(wanted, most))
  }

  /// Forgets the oldest rows where there are too many.
  private mutating func resize(to rows: Int) {
    if rows == capacity { return }
    while count > rows { drop() }
    var new = (times: [Double](), levels: [Float](), figures: [Float]())
    new.times.reserveCapacity(rows)
    new.levels.reserveCapacity(rows * fields)
    new.figures.reserveCapacity(rows)
    for index in 0..<count {
      let place = slot(index)
      new.times.append(times[place])
      new.levels.append(contentsOf: levels[place * fields..<(place + 1) * fields])
      new.figures.append(figures[place])
    }
    new.times.append(contentsOf: repeatElement(0, count: rows - count))
    new.levels.append(contentsOf: repeatElement(0, count: (rows - count) * fields))
    new.figures.append(contentsOf: repeatElement(0, count: rows - count))
    (times, levels, figures) = (new.times, new.levels, new.figures)
    capacity = rows
    first = 0
  }

  private func slot(_ index: Int) -> Int {
    let slot = first + index
    return slot < capacity ? slot : slot - capacity
  }

  private mutating func pass(_ figure: Float) { if !figure.isNaN { _ = before.add(figure) } }

  private mutating func drop() {
    pass(figures[first])
    first = first + 1 == capacity ? 0 : first + 1
    count -= 1
    hasOlder = true
  }
}
