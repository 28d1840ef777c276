/// What went wrong with a socket: where, why, and what to do about it.
public struct MessagingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of thing went wrong, for programs to act on.
  public enum Reason: Sendable, Equatable {
    /// Another program listens there.
    case portInUse
    /// The address is not one of this machine, or the interface is down.
    case addressNotAvailable
    /// Not of the form `tcp://host:port`, `ipc://path` or `inproc://name`.
    case badEndpoint
    /// The transport is unknown to this libzmq.
    case transportNotSupported
    case permissionDenied
    /// The folder of an `ipc://` endpoint does not exist.
    case noSuchFolder
    /// The context was shut down: time to leave.
    case terminated
    /// The operation does not fit the state of the socket (a REQ that has not yet got its reply).
    case wrongState
    /// No peer has the routing id that a ROUTER was given.
    case unroutable
    /// More sockets or files than the limits allow.
    case tooManySockets
    case badOption
    case other(code: Int32)
  }

  public let reason: Reason
  /// The endpoint or option that it is about.
  public let subject: String
  /// The system's own words.
  public let explanation: String

  public init(reason: Reason, subject: String, explanation: String) {
    self.reason = reason
    self.subject = subject
    self.explanation = explanation
  }

  /// What to do about it.
  public var advice: String {
    switch reason {
    case .portInUse:
      "another program listens there: stop it (`ss -ltnp` names it) or choose another port"
    case .addressNotAvailable:
      "the address is not one of this machine: bind to one of its own, or to * for all"
    case .badEndpoint:
      "write it as tcp://HOST:PORT, ipc://PATH or inproc://NAME; to bind, HOST is an address or interface, or *"
    case .transportNotSupported: "use tcp, ipc or inproc"
    case .permissionDenied: "give the user of this program the right to it, or choose a port above 1023"
    case .noSuchFolder: "create the folder, and make it writable for the user of this program"
    case .terminated: "the program is ending"
    case .wrongState: "a request is answered before the next is sent"
    case .unroutable: "the peer has left: nobody is there to answer"
    case .tooManySockets: "raise LimitNOFILE of the unit (ulimit -n), or use fewer endpoints"
    case .badOption: "correct the value"
    case .other: "see zmq(7) for the transport and the option"
    }
  }

  public var description: String { "\(subject): \(explanation): \(advice)" }
}
