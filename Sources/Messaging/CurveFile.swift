/// Keys in a text file, in the format of ZeroMQ's certificates (zcert, ZPL): what pyzmq and czmq read and write.
///
/// ```
/// curve
///     public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
///     secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
/// ```
public struct CurveFile: Sendable, Equatable {
  public var publicKey: String
  /// Nil in the file that is given to others.
  public var secretKey: String?

  public init(publicKey: String, secretKey: String?) {
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// A longer file is not looked at.
  public static let largest = 64 << 10

  /// Reads a certificate, or a text that is only a public key; nil when there is no public key in it.
  public init?(parsing text: String) {
    let bare = text.split(whereSeparator: \.isWhitespace)
    if bare.count == 1, CurveKeys.isKey(String(bare[0])) {
      self.init(publicKey: String(bare[0]), secretKey: nil)
      return
    }
    var found: [Substring: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.drop { $0 == " " || $0 == "\t" }
      guard words.first != "#", let equals = words.firstIndex(of: "=") else { continue }
      let name = words[..<equals].prefix { $0 != " " && $0 != "\t" }
      let rest = words[words.index(after: equals)...].drop { $0 == " " || $0 == "\t" }
      guard let quote = rest.first, quote == "\"" || quote == "'" else { continue }
      // The keys' own letters hold no quotes.
      found[name] = String(rest.dropFirst().prefix { $0 != quote })
    }
    guard let publicKey = found["public-key"], CurveKeys.isKey(publicKey) else { return nil }
    let secretKey = found["secret-key"]
    if let secretKey, CurveKeys(secretKey: secretKey)?.publicKey != publicKey { return nil }
    self.init(publicKey: publicKey, secretKey: secretKey)
  }

  /// The file's text.
  public var text: String {
    """
    #   ZeroMQ CURVE \(secretKey == nil ? "public certificate: give it to whoever is to let this key in" : "**secret** certificate: do not give it to anybody")
    metadata
    curve
        public-key = "\(publicKey)"

    """ + (secretKey.map { "    secret-key = \"\($0)\"\n" } ?? "")
  }
}
