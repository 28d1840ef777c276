import Glibc

/// One connection, on its own thread.
final class HTTPConnection: HTTPStream, Sendable {
  enum Asked {
    case request(HTTPRequest)
    case refused(HTTPResponse)
    /// The peer has left, or said nothing for too long.
    case gone
  }

  let descriptor: Int32
  private let limits: HTTPServer.Limits

  init(descriptor: Int32, limits: HTTPServer.Limits) {
    self.descriptor = descriptor
    self.limits = limits
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    var patience = timeval(tv_sec: Int(limits.patience.rounded(.up)), tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Reads the next request. Pipelined requests are not taken: what comes after a request and before its answer is an
  /// error of the peer.
  func request() -> Asked {
    guard wait(seconds: limits.idle) else { return .gone }
    let end = Self.now() + limits.patience
    var bytes: [UInt8] = []
    var head: Int?
    while head == nil {
      guard bytes.count <= limits.head else { return refused(431, "the head of the request is too long") }
      guard let piece = read(most: 4096, until: end) else {
        return bytes.isEmpty ? .gone : refused(408, "too slow")
      }
      let from = max(0, bytes.count - 3)
      bytes.append(contentsOf: piece)
      head = Self.end(of: bytes, from: from)
    }
    guard let length = head else { return .gone }
    guard length <= limits.head else { return refused(431, "the head of the request is too long") }
    do throws(HTTPHead.Refusal) {
      let parsed = try HTTPHead(bytes[..<length], largestBody: limits.body)
      var request = parsed.request
      var body = Array(bytes[length...])
      guard body.count <= parsed.bodyLength else {
        return refused(400, "more bytes than the request announced")
      }
      while body.count < parsed.bodyLength {
        guard let piece = read(most: min(65_536, parsed.bodyLength - body.count), until: end) else {
          return refused(408, "too slow")
        }
        body.append(contentsOf: piece)
      }
      request.body = body
      return .request(request)
    } catch {
      switch error {
      case .malformed(let what): return refused(400, "not understood: \(what)")
      case .unsupported(let status, let what): return refused(status, "not taken: \(what)")
      }
    }
  }

  private func refused(_ status: Int, _ why: String) -> Asked {
    .refused(HTTPResponse(status, type: "text/plain; charset=utf-8", text: why + "\n"))
  }

  private static func end(of bytes: [UInt8], from: Int) -> Int? {
    guard bytes.count >= 4 else { return nil }
    for at in from...(max(from, bytes.count - 4))
    where at + 3 < bytes.count && bytes[at] == 13 && bytes[at + 1] == 10 && bytes[at + 2] == 13
      && bytes[at + 3] == 10
    {
      return at + 4
    }
    return nil
  }

  /// False when the peer has left.
  func answer(_ response: HTTPResponse, keepsAlive: Bool, onlyHead: Bool = false) -> Bool {
    switch response.body {
    case .bytes(let bytes): return write(response.head(keepsAlive: keepsAlive) + (onlyHead ? [] : bytes))
    case .stream(let body):
      guard write(response.head(keepsAlive: false)) else { return false }
      body(self)
      return false
    }
  }

  // MARK: HTTPStream

  func send(_ text: String) -> Bool { write(Array(text.utf8)) }

  func pause(seconds: Double) -> Bool {
    // A peer that says something in the middle of a stream is leaving.
    !isReadable(seconds: seconds)
  }

  // MARK: The system

  private func wait(seconds: Double) -> Bool { isReadable(seconds: seconds) }

  private func isReadable(seconds: Double) -> Bool {
    var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&item, 1, Int32(max(0, seconds) * 1000)) > 0
  }

  private func read(most: Int, until end: Double) -> [UInt8]? {
    guard isReadable(seconds: end - Self.now()) else { return nil }
    var bytes = [UInt8](repeating: 0, count: most)
    let count = unsafe recv(descriptor, &bytes, most, 0)
    guard count > 0 else { return nil }
    bytes.removeLast(most - count)
    return bytes
  }

  private func write(_ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          descriptor, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  private static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
