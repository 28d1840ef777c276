/// The settings of a member that are its own, and those that it shares with members like it: typed and written down as one list.
@dynamicMemberLookup
public struct JoinedSettings<Own: ModelSettings, Shared: ModelSettings>: ModelSettings {
  public var own = Own()
  public var shared = Shared()

  public init() {}

  public init(from decoder: any Decoder) throws {
    own = try Own(from: decoder)
    shared = try Shared(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try own.encode(to: encoder)
    try shared.encode(to: encoder)
  }

  public func check() throws(FitError) {
    try own.check()
    try shared.check()
  }

  public subscript<Value>(dynamicMember path: WritableKeyPath<Own, Value>) -> Value {
    get { own[keyPath: path] }
    set { own[keyPath: path] = newValue }
  }
  public subscript<Value>(dynamicMember path: WritableKeyPath<Shared, Value>) -> Value {
    get { shared[keyPath: path] }
    set { shared[keyPath: path] = newValue }
  }
}
