import FoundationEssentials

/// What can be chosen about a member: plain values with defaults, set by their names.
///
/// Every value must have a default and none may be optional: 0 stands for "chosen from the data" where that is offered.
public protocol ModelSettings: Codable, Sendable, Equatable {
  init()
  /// - Throws: ``FitError/setting(_:)`` when a value is out of its range, saying which is possible.
  func check() throws(FitError)
}

/// For members with nothing to choose.
public struct NoSettings: ModelSettings {
  public init() {}
  public func check() throws(FitError) {}
}

/// How a network of the suite is trained.
public struct TrainingSettings: ModelSettings {
  /// Passes over the rows that are learned from; more where these make only a few steps.
  public var epochs = 50
  /// Rows per step.
  public var batch = 64
  /// The learning rate of Adam.
  public var rate: Float = 1e-3
  /// The share of rows that decide what is kept and when to end; 0 for none.
  public var heldOut: Float = 0.1
  /// Looks at the held-out rows (one a pass, or every 50 steps) without gain before the end; 0 for no early end.
  public var patience = 10
  /// The longest gradient; longer ones are shortened to it. 0 for no limit.
  public var clip: Float = 0
  /// How much of the moving average of the weights stays at each step; 0 for no average. With one, it is the model.
  public var average: Float = 0
  /// Whether the rate falls to 0 over all epochs along a cosine.
  public var cosine = false
  /// Weight decay, decoupled (AdamW).
  public var decay: Float = 0

  public init() {}

  public func check() throws(FitError) {
    guard epochs > 0, epochs <= 1_000_000 else { throw .setting("epochs is \(epochs), not 1 to 1000000") }
    guard batch > 0, batch <= 65536 else { throw .setting("batch is \(batch), not 1 to 65536") }
    guard rate > 0, rate <= 10 else { throw .setting("rate is \(rate), not above 0 and at most 10") }
    guard heldOut >= 0, heldOut <= 0.5 else { throw .setting("heldOut is \(heldOut), not 0 to 0.5") }
    guard patience >= 0 else { throw .setting("patience is \(patience), not 0 or more") }
    guard clip >= 0 else { throw .setting("clip is \(clip), not 0 or more") }
    guard average >= 0, average < 1 else { throw .setting("average is \(average), not 0 to below 1") }
    guard decay >= 0, decay < 1 else { throw .setting("decay is \(decay), not 0 to below 1") }
  }
}

/// A value that can be chosen, for a person to read.
public struct SettingDescription: Sendable, Equatable {
  public let name: String
  /// The default, as it would be typed.
  public let value: String
}

extension ModelSettings {
  /// What can be chosen, by name, with the defaults of this value.
  public var descriptions: [SettingDescription] {
    fields.sorted { $0.key < $1.key }.map { SettingDescription(name: $0.key, value: $0.value.text) }
  }

  private var fields: [String: SettingValue] {
    // Plain values always encode, and decode as what they are.
    guard let data = try? JSONEncoder().encode(self) else { return [:] }
    return (try? JSONDecoder().decode([String: SettingValue].self, from: data)) ?? [:]
  }

  /// Reads settings that may have been written before some of them existed: these get their defaults.
  init(completing decoder: any Decoder) throws {
    let written = try [String: SettingValue](from: decoder)
    let fields = Self().fields.merging(written) { $1 }
    self = try JSONDecoder().decode(Self.self, from: JSONEncoder().encode(fields))
  }

  /// Takes over those of the typed values that have a name of these settings.
  ///
  /// - Returns: the names that were taken.
  mutating func take(_ typed: [String: String]) throws(FitError) -> Set<String> {
    var fields = fields
    var taken: Set<String> = []
    for (name, text) in typed.sorted(by: { $0.key < $1.key }) {
      guard let old = fields[name] else { continue }
      guard let value = old.read(text) else {
        throw .setting("\(name)=\(text): \(old.expectation) is needed, for instance \(old.text)")
      }
      fields[name] = value
      taken.insert(name)
    }
    if !taken.isEmpty {
      do {
        self = try JSONDecoder().decode(Self.self, from: JSONEncoder().encode(fields))
      } catch {
        throw .setting(
          "\(taken.sorted().map { "\($0)=\(typed[$0] ?? "")" }.joined(separator: " ")): not possible")
      }
    }
    try check()
    return taken
  }
}

/// Typed settings distributed over a member's own and those of its training.
///
/// - Throws: ``FitError/setting(_:)`` for a name that neither has, with all names that there are.
func assign<Own: ModelSettings>(
  _ options: FitOptions, own: inout Own, training: inout TrainingSettings
) throws(FitError) {
  let taken = try own.take(options.settings).union(training.take(options.settings))
  if let epochs = options.epochs { training.epochs = epochs }
  try training.check()
  guard let unknown = options.settings.keys.filter({ !taken.contains($0) }).min() else { return }
  let names = (own.descriptions + training.descriptions).map(\.name)
  throw .setting("there is no setting \(unknown); there are \(names.joined(separator: ", "))")
}

/// A plain value of a setting.
private enum SettingValue: Codable {
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([Double])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode([Double].self) {
      self = .list(value)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag(let value): try container.encode(value)
    case .number(let value):
      // A whole number must read back as an `Int`.
      if let whole = Int(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .list(let values): try container.encode(values.map { SettingValue.number($0) })
    case .text(let value): try container.encode(value)
    }
  }

  var text: String {
    switch self {
    case .flag(let value): value ? "true" : "false"
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(Float(value))"
    case .list(let values): values.map { SettingValue.number($0).text }.joined(separator: ",")
    case .text(let value): value
    }
  }

  var expectation: String {
    switch self {
    case .flag: "true or false"
    case .number: "a number"
    case .list: "numbers with commas between them"
    case .text: "a word"
    }
  }

  /// The same kind of value from what was typed; nil when it is none.
  func read(_ text: String) -> SettingValue? {
    switch self {
    case .flag: return ["true": .flag(true), "false": .flag(false)][text]
    case .number: return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    case .list:
      let values = text.split(separator: ",").map { Double($0) }
      return values.contains(nil) ? nil : .list(values.compactMap { $0 })
    case .text: return .text(text)
    }
  }
}
