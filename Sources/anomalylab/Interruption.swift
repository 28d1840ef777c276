import Foundation
import Synchronization

/// Whether somebody asked this program to end (Ctrl-C, SIGTERM), so that files can be completed and children ended.
enum Interruption {
  private static let isAsked = Atomic(false)

  /// From now on SIGINT and SIGTERM only set ``isWanted``; a second one ends the program at once.
  static func watch() {
    for number in [SIGINT, SIGTERM] {
      // A handler, not SIG_IGN: children begin with the default again.
      _ = signal(number) { number in
        if Interruption.isAsked.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
    }
  }

  static var isWanted: Bool { isAsked.load(ordering: .relaxed) }
}
