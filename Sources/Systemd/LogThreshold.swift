public import Logging
import Synchronization

/// The lowest level that is logged, for all loggers of the program at once, so that a reload can change it.
public final class LogThreshold: Sendable {
  private let rank: Atomic<Int>

  public init(_ level: Logger.Level) { rank = Atomic(Self.rank(level)) }

  public var level: Logger.Level {
    get { Logger.Level.allCases[rank.load(ordering: .relaxed)] }
    set { rank.store(Self.rank(newValue), ordering: .relaxed) }
  }

  private static func rank(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// Where log lines go: to the journal with fields when the standard error is connected to it, else as text to the standard
/// error.
public enum ServiceLog {
  /// Whether the standard error is the journal's: `JOURNAL_STREAM` names its device and inode.
  ///
  /// Only then is the journal written to directly: without a journal its library says nothing and the line is lost.
  public static func isConnectedToJournal() -> Bool { Journal.ownsStandardError() }

  /// To be given to `LoggingSystem.bootstrap`.
  public static func handler(label: String, threshold: LogThreshold) -> any LogHandler {
    isConnectedToJournal()
      ? JournalLogHandler(label: label, threshold: threshold) : StandardErrorLogHandler(threshold: threshold)
  }
}
