/// Where the dashboard, the metrics and the API are.
public struct HTTPSettings: Sendable, Equatable {
  /// Nil: nowhere.
  public var listen: HTTPAddress? = HTTPAddress("127.0.0.1:5561")
  /// Names under which it may be asked, beside `localhost` and numeric addresses.
  public var hosts: [String] = []
  public init() {}
}
