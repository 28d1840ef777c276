import Foundation
import Messaging
import Synchronization

/// Answers requests that take seconds, one after the other on a thread of its own at low priority, so that the server's thread
/// answers all others meanwhile.
///
/// Bounded: whoever asks when ``most`` already wait is told to come back.
final class ControlWorker: Sendable {
  /// Who asked, and what is to be sent back.
  typealias Answer = (envelope: ArraySlice<[UInt8]>, reply: ControlReply)

  /// Requests that wait at most.
  static let most = 8

  private struct Contents {
    var waiting: [(envelope: ArraySlice<[UInt8]>, request: ControlRequest)] = []
    var answers: [Answer] = []
    var isClosed = false
  }

  /// Rung when there are answers.
  let bell: Bell
  private let contents = Mutex(Contents())
  private let work = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let handler: ControlServer.Handler

  init(_ handler: @escaping ControlServer.Handler) throws(MessagingError) {
    bell = try Bell()
    self.handler = handler
  }

  func start() {
    let thread = Thread { [self] in run() }
    thread.name = "inquiries"
    thread.start()
  }

  /// - Returns: false when too many wait, or it is closed.
  func add(_ request: ControlRequest, for envelope: ArraySlice<[UInt8]>) -> Bool {
    let isTaken = contents.withLock { contents in
      guard !contents.isClosed, contents.waiting.count < Self.most else { return false }
      contents.waiting.append((envelope, request))
      return true
    }
    if isTaken { work.signal() }
    return isTaken
  }

  /// What was answered since the last time.
  func takeAnswers() -> [Answer] {
    bell.hush()
    return contents.withLock { contents in
      defer { contents.answers = [] }
      return contents.answers
    }
  }

  /// Ends after the request in hand; those that wait are refused.
  func close() {
    contents.withLock { contents in
      contents.isClosed = true
      let refusal = ControlReply.failure(
        Failure(.unavailable, what: "anomalyd", why: "it is stopping", remedy: "ask again when it runs"))
      contents.answers += contents.waiting.map { ($0.envelope, refusal) }
      contents.waiting = []
    }
    work.signal()
    ended.wait()
  }

  private func run() {
    defer { ended.signal() }
    // On Linux a priority set for process 0 is that of the calling thread alone: events come first.
    _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 5)
    while true {
      work.wait()
      let next = contents.withLock { contents in
        contents.waiting.isEmpty ? nil : contents.waiting.removeFirst()
      }
      if let next {
        let reply = handler(next.request)
        contents.withLock { $0.answers.append((next.envelope, reply)) }
        bell.ring()
      } else if contents.withLock({ $0.isClosed }) {
        return
      }
    }
  }
}
