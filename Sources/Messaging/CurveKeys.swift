import CZeroMQ

/// A CURVE key pair in Z85, 40 characters each: who one is, and what proves it.
public struct CurveKeys: Sendable, Equatable, CustomStringConvertible {
  public let publicKey: String
  public let secretKey: String

  private init(publicKey: String, secretKey: String) {
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// A new pair from the operating system's randomness.
  ///
  /// - Throws: ``MessagingError`` when this libzmq was built without CURVE.
  public static func generate() throws(MessagingError) -> CurveKeys {
    var publicKey = [CChar](repeating: 0, count: length + 1)
    var secretKey = publicKey
    guard unsafe zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw .last("a new key pair") }
    return CurveKeys(publicKey: text(publicKey), secretKey: text(secretKey))
  }

  /// The pair that belongs to a secret key; nil when it is none.
  public init?(secretKey: String) {
    guard Self.isKey(secretKey) else { return nil }
    var publicKey = [CChar](repeating: 0, count: Self.length + 1)
    guard unsafe zmq_curve_public(&publicKey, secretKey) == 0 else { return nil }
    self.init(publicKey: Self.text(publicKey), secretKey: secretKey)
  }

  /// Whether a text is a key in Z85: of the right length and letters.
  public static func isKey(_ text: String) -> Bool {
    guard text.utf8.count == length, text.utf8.allSatisfy(alphabet.contains) else { return false }
    var bytes = [UInt8](repeating: 0, count: 32)
    return unsafe zmq_z85_decode(&bytes, text) != nil
  }

  /// The Z85 text of a key's 32 bytes.
  static func text(ofKey bytes: [UInt8]) -> String? {
    guard bytes.count == 32 else { return nil }
    var text = [CChar](repeating: 0, count: length + 1)
    guard unsafe zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
    return self.text(text)
  }

  private static let length = 40
  // Source: ZeroMQ RFC 32/Z85.
  private static let alphabet = Set(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The secret one never reaches a log by accident.
  public var description: String { "CurveKeys(publicKey: \(publicKey))" }
}
