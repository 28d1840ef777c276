import Wire

/// The orders of fields that streams have, shared between the streams that have the same.
///
/// A layout is its parent and one more name; a stream's fields only ever grow, so a stream moves from a layout to one of
/// its descendants. What a list of names means to a stream of a layout is worked out once (a ``Placement``).
struct FieldLayouts {
  /// Where the values of an event go.
  struct Placement {
    /// The layout of the stream from this event on.
    var layout: Int32
    /// Fields of that layout: the width of the row.
    var width: Int32
    /// Slot of each value, -1 for one that is refused; nil when value k goes to slot k.
    var slots: [Int32]?
    /// Values of the event.
    var values: Int32
    /// Values that are refused because the stream has as many fields as it may.
    var refused: Int32
  }

  private struct Layout {
    var parent: Int32
    var count: Int32
    var name: String
    var hash: UInt64
  }

  private struct Key: Hashable {
    var layout: Int32
    var limit: Int32
    var schema: UInt64
  }

  private struct Step: Hashable {
    var layout: Int32
    var hash: UInt64
  }

  static let root: Int32 = 0
  /// Placements kept; when there are more, all are forgotten and worked out again.
  private static let mostPlacements = 1 << 16

  private var layouts = [Layout(parent: -1, count: 0, name: "", hash: 0)]
  private var steps: [Step: Int32] = [:]
  private var known: [Key: Int32] = [:]
  private(set) var placements: [Placement] = []
  /// Counts up when the placements are forgotten, so that remembered indices into them are not used any more.
  private(set) var generation: UInt32 = 1

  /// Fields of a layout.
  func count(_ layout: Int32) -> Int { Int(layouts[Int(layout)].count) }

  /// Names of the fields of a layout from slot `first` on.
  func names(_ layout: Int32, from first: Int = 0) -> [String] {
    var names: [String] = []
    var at = layout
    while count(at) > first {
      names.append(layouts[Int(at)].name)
      at = layouts[Int(at)].parent
    }
    return names.reversed()
  }

  /// The layout with one more field.
  mutating func appending(_ name: String, hash: UInt64, to layout: Int32) -> Int32 {
    if let known = steps[Step(layout: layout, hash: hash)] { return known }
    let new = Int32(layouts.count)
    layouts.append(Layout(parent: layout, count: layouts[Int(layout)].count + 1, name: name, hash: hash))
    steps[Step(layout: layout, hash: hash)] = new
    return new
  }

  /// Index of the placement of a list of names in a stream of a layout.
  ///
  /// - Parameters:
  ///   - schema: the hash of the list.
  ///   - limit: most fields of a stream.
  ///   - names: the list, asked for only when it is new here.
  mutating func placement(
    of schema: UInt64, in layout: Int32, limit: Int, names: () -> [(name: String, hash: UInt64)]
  ) -> Int {
    let key = Key(layout: layout, limit: Int32(limit), schema: schema)
    if let found = known[key] { return Int(found) }
    if placements.count >= Self.mostPlacements {
      placements.removeAll(keepingCapacity: true)
      known.removeAll(keepingCapacity: true)
      generation &+= 1
    }
    let made = place(names(), in: layout, limit: limit)
    let index = Int32(placements.count)
    placements.append(made)
    known[key] = index
    return Int(index)
  }

  /// Index of the placement of a list of names that came before in a stream of this layout.
  func known(schema: UInt64, in layout: Int32, limit: Int) -> Int? {
    known[Key(layout: layout, limit: Int32(limit), schema: schema)].map(Int.init)
  }

  /// Index of the placement in which value k is field k of the layout.
  mutating func identity(in layout: Int32, limit: Int, schema: UInt64) -> Int {
    if let found = known(schema: schema, in: layout, limit: limit) { return found }
    var hashes: [UInt64] = []
    var at = layout
    while at != Self.root {
      hashes.append(layouts[Int(at)].hash)
      at = layouts[Int(at)].parent
    }
    let fields = hashes.reversed().map { (name: "", hash: $0) }
    return placement(of: schema, in: layout, limit: limit) { fields }
  }

  private mutating func place(
    _ names: [(name: String, hash: UInt64)], in layout: Int32, limit: Int
  ) -> Placement {
    var slotOf: [UInt64: Int32] = [:]
    var at = layout
    while at != Self.root {
      slotOf[layouts[Int(at)].hash] = layouts[Int(at)].count - 1
      at = layouts[Int(at)].parent
    }
    var slots: [Int32] = []
    var refused: Int32 = 0
    var now = layout
    for (name, hash) in names {
      if let slot = slotOf[hash] {
        slots.append(slot)
      } else if count(now) < limit {
        now = appending(name, hash: hash, to: now)
        slotOf[hash] = layouts[Int(now)].count - 1
        slots.append(layouts[Int(now)].count - 1)
      } else {
        slots.append(-1)
        refused += 1
      }
    }
    let isIdentity = slots.enumerated().allSatisfy { $0.offset == Int($0.element) }
    return Placement(
      layout: now, width: Int32(count(now)), slots: isIdentity ? nil : slots, values: Int32(slots.count),
      refused: refused)
  }
}
