import Wire

/// What the sequence numbers of one stream told so far.
public struct SequenceCounters: Sendable, Equatable, Codable {
  /// Numbers that were skipped and have not come since.
  public var missing: UInt64 = 0
  /// Times that numbers were skipped.
  public var gaps: UInt64 = 0
  /// Events with a number that had come before.
  public var repeats: UInt64 = 0
  /// Events that came after a later number, and filled a gap.
  public var reordered: UInt64 = 0
  /// Times that the publisher began anew.
  public var restarts: UInt64 = 0
  public init() {}
}

/// Follows the sequence numbers of one stream: which are missing, repeated, out of order, or begin anew.
///
/// Exact for whatever comes at most 64 numbers late; what comes later than that counts as a repeat, unless it is from before
/// the first number.
struct SequenceTracker: Sendable {
  private(set) var counters = SequenceCounters()
  private var highest: UInt64 = 0
  private var epoch: UInt64 = 0
  /// The first number since counting began: those before it are nobody's loss.
  private var first: UInt64 = 0
  // Bit k: number `highest - k` has come; 0 before the first one.
  private var window: UInt64 = 0
  private var hasEpoch = false

  /// - Parameters:
  ///   - seq: counts what the publisher sent.
  ///   - epoch: names one life of the publisher; when it changes, counting begins anew. Without it, a 0 or 1 that is not
  ///     in the window does.
  ///
  /// - Returns: whether this number is certain to have come before.
  @discardableResult
  mutating func observe(seq: UInt64, epoch: UInt64?) -> Bool {
    if window == 0 {
      begin(at: seq, epoch)
      return false
    }
    if let epoch, hasEpoch, epoch != self.epoch {
      counters.restarts += 1
      begin(at: seq, epoch)
      return false
    }
    if let epoch {
      self.epoch = epoch
      hasEpoch = true
    }
    if seq > highest {
      let step = seq - highest
      if step > 1 {
        counters.gaps += 1
        counters.missing += step - 1
      }
      window = step < 64 ? window << step | 1 : 1
      highest = seq
      return false
    }
    let age = highest - seq
    if age < 64 {
      if window >> age & 1 == 1 {
        counters.repeats += 1
        return true
      } else {
        window |= 1 << age
        counters.reordered += 1
        if seq >= first { counters.missing -= 1 }
      }
    } else if seq <= 1, epoch == nil {
      counters.restarts += 1
      begin(at: seq, nil)
    } else if seq < first {
      counters.reordered += 1
    } else {
      counters.repeats += 1
    }
    return false
  }

  /// An event without a number that is in all like the one before.
  mutating func noteRepeat() { counters.repeats += 1 }

  private mutating func begin(at seq: UInt64, _ epoch: UInt64?) {
    highest = seq
    first = seq
    window = 1
    self.epoch = epoch ?? 0
    hasEpoch = epoch != nil
  }
}

extension EventSink {
  /// Of what an event says; never 0 (FNV-1a over the bits of the values and their names).
  func digest(of event: Event) -> UInt64 {
    var hash = event.schema ^ 0xcbf2_9ce4_8422_2325
    withValues(event.values) { values in
      for index in 0..<values.count { hash = (hash ^ UInt64(values[index].bitPattern)) &* 0x100_0000_01b3 }
    }
    return hash | 1
  }
}
