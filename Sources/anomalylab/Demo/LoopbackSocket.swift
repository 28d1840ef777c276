import Control
import Foundation
import Glibc

/// Two UDP sockets on loopback, one sending to the other.
struct LoopbackSocket: ~Copyable {
  private let sender: Int32
  private let receiver: Int32
  private let payload: [UInt8]
  private var room: [UInt8]

  /// - Throws: ``Failure`` when the machine gives no socket.
  init(payload bytes: Int) throws {
    payload = [UInt8](repeating: 0x55, count: bytes)
    room = [UInt8](repeating: 0, count: bytes)
    let receiver = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let sender = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    self.receiver = receiver
    self.sender = sender
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(receiver, generic, length) == 0 && getsockname(receiver, generic, &length) == 0
          && connect(sender, generic, length) == 0
      }
    }
    guard isConnected else {
      throw Failure(
        .unavailable, what: "loopback", why: "no UDP socket could be bound", remedy: "is the interface lo up?"
      )
    }
  }

  /// Sends one packet and takes what has come without waiting.
  mutating func sendAndReceive() {
    let count = payload.count
    unsafe payload.withUnsafeBytes { bytes in
      _ = unsafe send(sender, bytes.baseAddress, count, Int32(MSG_DONTWAIT))
    }
    unsafe room.withUnsafeMutableBytes { bytes in
      _ = unsafe recv(receiver, bytes.baseAddress, count, Int32(MSG_DONTWAIT))
    }
  }

  deinit {
    close(sender)
    close(receiver)
  }
}
