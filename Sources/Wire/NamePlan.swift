import CSimdJSON

/// What the rules make of one list of names.
final class NamePlan {
  struct Action {
    var isKept: Bool
    var isRate: Bool
    /// Where the new name is in ``NamePlan/names``.
    var offset: UInt32
    var length: UInt32
  }

  /// One per name, in order.
  let actions: [Action]
  /// The kept names, one behind the other.
  let names: [UInt8]
  /// Whether the names differ from the payload's.
  let isRenaming: Bool
  let hasRates: Bool
  /// Hash over the kept names, as a sink makes it.
  let schema: UInt64

  init(actions: [Action], names: [UInt8], isRenaming: Bool, schema: UInt64) {
    self.actions = actions
    self.names = names
    self.isRenaming = isRenaming
    self.schema = schema
    hasRates = actions.contains { $0.isKept && $0.isRate }
  }
}

/// Works out ``NamePlan``s.
struct NamePlanner {
  private let identifiers: [[UInt8]]
  private let include: Globs
  private let exclude: Globs
  private let rates: Globs

  init(rules: SourceRules) {
    identifiers = rules.identifiers.map { Array($0.utf8) }
    include = Globs(rules.include)
    exclude = Globs(rules.exclude)
    rates = Globs(rules.rates)
  }

  /// Whether the rules choose among names at all.
  var isNeeded: Bool { !identifiers.isEmpty || !include.isEmpty || !exclude.isEmpty || !rates.isEmpty }

  func plan(
    names: [[UInt8]], before: [UInt8], after: [UInt8], timeField: [UInt8]?, seed: UInt64
  ) -> NamePlan {
    var actions: [NamePlan.Action] = []
    var kept: [UInt8] = []
    var schema = seed
    for name in names {
      let full = before + name + after
      let isKept =
        name != timeField && !isIdentifier(name) && (include.isEmpty || include.matches(full.span))
        && !exclude.matches(full.span)
      let isRate = isKept && rates.matches(full.span)
      actions.append(
        NamePlan.Action(
          isKept: isKept, isRate: isRate, offset: UInt32(kept.count), length: UInt32(full.count)))
      if isKept {
        kept.append(contentsOf: full)
        schema = unsafe csj_chain(schema, csj_hash(full, full.count, seed))
      }
    }
    return NamePlan(
      actions: actions, names: kept, isRenaming: !before.isEmpty || !after.isEmpty, schema: schema)
  }

  /// Whether an identifier is the name, or one of the parts between its dots (then so is all below it).
  private func isIdentifier(_ name: [UInt8]) -> Bool {
    for identifier in identifiers where identifier.count <= name.count {
      for start in 0...name.count - identifier.count
      where start == 0 || name[start - 1] == UInt8(ascii: ".") {
        let end = start + identifier.count
        if (end == name.count || name[end] == UInt8(ascii: "."))
          && name[start..<end].elementsEqual(identifier)
        {
          return true
        }
      }
    }
    return false
  }
}
