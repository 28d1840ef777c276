import Testing

@testable import Dashboard

@Suite struct HTTPHeadTests {
  func head(_ text: String) throws(HTTPHead.Refusal) -> HTTPHead {
    try HTTPHead(text.replacing("\n", with: "\r\n").utf8, largestBody: 1000)
  }

  @Test func `a request is read with its query, its headers and the length of its body`() throws {
    let head = try head(
      "POST /a%20b/c?x=1+2&y=%C3%A9&z HTTP/1.1\nHost: localhost:1\nCONTENT-Length: 12\nAccept: a\naccept:\tb \n\n"
    )
    #expect(head.request.method == "POST" && head.request.path == "/a b/c" && head.bodyLength == 12)
    #expect(head.request.query.map(\.name) == ["x", "y", "z"])
    #expect(head.request.query.map(\.value) == ["1 2", "é", ""])
    #expect(head.request.headers == ["host": "localhost:1", "content-length": "12", "accept": "a, b"])
    #expect(head.request.keepsAlive)
    #expect(try !self.head("GET / HTTP/1.1\nConnection: Close\n\n").request.keepsAlive)
    #expect(try !self.head("GET / HTTP/1.0\n\n").request.keepsAlive)
  }

  @Test(arguments: [
    "", "GET\n\n", "GET / \n\n", "GET  / HTTP/1.1\n\n", "GET / HTTQ/1.1\n\n", "GET http://a/ HTTP/1.1\n\n",
    "G(T / HTTP/1.1\n\n", "GET / HTTP/1.1\n: x\n\n", "GET / HTTP/1.1\na b: x\n\n",
    "GET / HTTP/1.1\na : x\n\n",
    "GET / HTTP/1.1\n folded\n\n", "GET / HTTP/1.1\nHost: a\nHost: b\n\n", "GET /%zz HTTP/1.1\n\n",
    "GET /%00 HTTP/1.1\n\n", "GET /%ff HTTP/1.1\n\n", "POST / HTTP/1.1\nContent-Length: -1\n\n",
    "POST / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\n",
    "POST / HTTP/1.1\nContent-Length: 99999999999999999999\n\n",
    "GET / HTTP/1.1\na: b\u{7}c\n\n",
  ])
  func `what is not plainly a request is refused as malformed`(text: String) {
    do throws(HTTPHead.Refusal) {
      _ = try head(text)
      Issue.record("taken: \(text)")
    } catch {
      guard case .malformed = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func `whatever bytes come, they are a request or refused`() throws {
    let whole = Array(
      "POST /api/v1/label?id=a%20b&x=%C3%A9 HTTP/1.1\r\nHost: localhost:5561\r\nContent-Length: 12\r\nAccept: a, b\r\n\r\n"
        .utf8)
    var random = Seeded(state: 5)
    var taken = 0
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0...Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + 4))
        default: bytes.insert(contentsOf: bytes[..<place], at: place)
        }
      }
      guard let head = try? HTTPHead(bytes, largestBody: 1000) else { continue }
      taken += 1
      #expect(head.request.path.hasPrefix("/") && (0...1000).contains(head.bodyLength))
      #expect(!head.request.path.unicodeScalars.contains { $0.value < 0x20 })
    }
    #expect((100..<19_000).contains(taken), "\(taken) of 20,000")
  }

  @Test(arguments: [
    ("GET / HTTP/2.0\n\n", 505), ("POST / HTTP/1.1\n\n", 411),
    ("POST / HTTP/1.1\nContent-Length: 1001\n\n", 413),
    ("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", 501),
    ("POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 3\n\n", 501),
  ])
  func `what is understood and not taken says so by its status`(text: String, status: Int) {
    do throws(HTTPHead.Refusal) {
      _ = try head(text)
      Issue.record("taken: \(text)")
    } catch {
      guard case .unsupported(status, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func `no bytes whatever make the reader trap`() {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    let seed = Array("POST /a?b=%20&c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n".utf8)
    var taken = 0
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0..<(1 + next() % 4) {
        switch next() % 3 {
        case 0: bytes[Int(next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: next())
        case 1: bytes.remove(at: Int(next() % UInt64(bytes.count)))
        default: bytes.insert(UInt8(truncatingIfNeeded: next()), at: Int(next() % UInt64(bytes.count)))
        }
      }
      if (try? HTTPHead(bytes, largestBody: 1000)) != nil { taken += 1 }
    }
    #expect(taken > 0 && taken < 20_000)
  }
}

/// Numbers that are the same in every run.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}
