/// How a socket proves who it is, and whom it lets in.
public enum SocketSecurity: Sendable, Equatable {
  /// Neither encrypted nor checked: for this machine, or a network that is trusted.
  case none
  /// Lets in whoever holds a secret key to a public key in the directory.
  case server(CurveKeys, allowed: String)
  /// Comes with these keys, and talks only to the holder of this public key.
  case client(CurveKeys, serverKey: String)
}

extension Socket {
  /// Encrypts and checks; to be called before ``bind(_:)`` and ``connect(_:)``.
  ///
  /// - Parameter domain: names the socket in the counts of the ``Authenticator``, at most 255 bytes.
  /// - Throws: ``MessagingError`` when the keys are none, or when nobody would check who comes: the context has no
  ///   ``Authenticator``.
  public borrowing func secure(_ security: SocketSecurity, domain: String) throws(MessagingError) {
    switch security {
    case .none: break
    case .server(let keys, let allowed):
      guard let authenticator = handle.authenticator else {
        throw MessagingError(
          reason: .badOption, subject: domain,
          explanation: "without an authenticator CURVE lets everybody in")
      }
      authenticator.admit(allowed, domain: domain)
      try set(.zapDomain(domain))
      try set(.curveServer(secretKey: keys.secretKey))
    case .client(let keys, let serverKey):
      try set(
        .curveClient(serverKey: serverKey, publicKey: keys.publicKey, secretKey: keys.secretKey))
    }
  }
}
