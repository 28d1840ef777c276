import Foundation
import Synchronization

/// Whether somebody asked this program to end (Ctrl-C, SIGTERM), so that files can be completed and children ended.
enum Interruption {
  private static let isAsked = Atomic(false)
  private static let isWatched = Atomic(false)
  private static let number = Atomic<Int32>(0)
  /// What has to be undone before the program ends at once, by the process it is about.
  private static let undoings = Mutex<[Int32: @Sendable () -> Void]>([:])
  /// What wakes the thread that undoes when a byte is written to it; nothing more may be done in a handler.
  private static let wake: Int32 = {
    let pipe = Pipe()
    Thread.detachNewThread {
      _ = try? pipe.fileHandleForReading.read(upToCount: 1)
      for undo in undoings.withLock({ $0.values }) { undo() }
      _exit(128 + number.load(ordering: .relaxed))
    }
    return fcntl(pipe.fileHandleForWriting.fileDescriptor, F_DUPFD_CLOEXEC, 0)
  }()

  /// From now on SIGINT and SIGTERM only set ``isWanted``; a second one ends the program at once.
  static func watch() {
    isWatched.store(true, ordering: .relaxed)
    handle()
  }

  /// Waits for the end when the program is being ended at once: what fails from then on, fails because of that.
  static func standAside() {
    if number.load(ordering: .relaxed) != 0 { while true { sleep(1) } }
  }

  static var isWanted: Bool { isAsked.load(ordering: .relaxed) }

  /// When a signal ends this program at once, `undo` runs first: a child of it that must not outlive it.
  static func undo(_ child: Int32, by undo: @escaping @Sendable () -> Void) {
    undoings.withLock { $0[child] = undo }
    handle()
  }

  /// The child has ended.
  static func forget(_ child: Int32) { undoings.withLock { $0[child] = nil } }

  private static func handle() {
    // A handler may not be the first to touch them.
    _ = (wake, isAsked.load(ordering: .relaxed), number.load(ordering: .relaxed))
    for number in [SIGINT, SIGTERM] {
      // A handler, not SIG_IGN: children begin with the default again.
      _ = signal(number) { number in
        let isSecond = Interruption.isAsked.exchange(true, ordering: .relaxed)
        if isSecond || !Interruption.isWatched.load(ordering: .relaxed) {
          Interruption.number.store(number, ordering: .relaxed)
          var byte: UInt8 = 1
          _ = unsafe withUnsafeBytes(of: &byte) { unsafe write(Interruption.wake, $0.baseAddress, 1) }
        }
      }
    }
  }
}
