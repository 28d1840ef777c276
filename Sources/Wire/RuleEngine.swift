import CSimdJSON

/// Applies a source's rules to decoded events: finds the stream's name, leaves out, renames and converts values.
///
/// What the rules make of a list of names is worked out once per list (a ``NamePlan``) and looked up by its hash from
/// then on.
final class RuleEngine {
  private let rules: SourceRules
  private let limits: Limits
  private let streamPattern: NamePattern?
  /// Whether the pattern counts more than the stream that the payload says.
  private let patternWins: Bool
  private let source: [UInt8]
  private let namePattern: (before: [NamePattern.Piece], after: [NamePattern.Piece])
  private let timeField: (name: [UInt8], scale: Double)?
  private let changesValues: Bool
  let wantsLabels: Bool
  let wantsExact: Bool

  private let planner: NamePlanner
  private var plans: [UInt64: NamePlan] = [:]
  private var latest: (key: UInt64, plan: NamePlan)?
  /// Names that a publisher sent once for the values that it sends without, by the hash of the stream's name.
  private var fieldNames: [UInt64: [[UInt8]]] = [:]
  // Values of one event that came as texts.
  private var converted: [(name: Piece, value: Double)] = []

  private static let mostPlans = 4096

  init(rules: SourceRules, source: String, limits: Limits) throws(SourceRulesError) {
    self.rules = rules
    self.limits = limits
    self.source = Array(source.utf8)
    do throws(NamePattern.Wrong) {
      streamPattern = if let text = rules.stream { try NamePattern(text) } else { nil }
      let name = try NamePattern(rules.name)
      namePattern = name.aroundKey
      patternWins = streamPattern.map { $0.usesPayload || rules.format == .line } ?? false
      if case .field(let name, let unit) = rules.timestamp, name != "ts" {
        timeField = (Array(name.utf8), unit.seconds)
      } else {
        timeField = nil
      }
      planner = NamePlanner(rules: rules)
      changesValues =
        planner.isNeeded || rules.units || timeField != nil || !namePattern.before.isEmpty
        || !namePattern.after.isEmpty
      wantsLabels = rules.units || timeField != nil || name.usesLabels || (streamPattern?.usesLabels ?? false)
      wantsExact = !rules.rates.isEmpty || timeField != nil
    } catch {
      throw SourceRulesError(key: "stream or name", what: error.description)
    }
  }

  func apply(to sink: EventSink, topic: Topic) throws(Refusal) {
    // Most messages need one name for all events that say none.
    var common: Piece?
    if changesValues { sink.reserveSpare() }
    var written = 0
    for index in 0..<sink.count {
      var event = sink.header(index)
      if patternWins || event.stream_length == 0 {
        if patternWins || common == nil {
          common = try streamName(of: event, sink, topic)
          if common == nil, event.status == 0 { event.status = Refusal.streamUnknown.status }
        }
        if let common {
          event.stream_offset = common.offset
          event.stream_length = common.length
        }
      }
      if Int(event.stream_length) > limits.nameLength * 4, event.status == 0 {
        event.status = Refusal.nameTooLong.status
      }
      if changesValues { try rewrite(&event, sink, topic, &written) }
      sink.setHeader(index, event)
    }
    if changesValues { sink.adoptSpare(count: written) }
  }

  // MARK: The stream's name

  private func streamName(of event: csj_event, _ sink: EventSink, _ topic: Topic) throws(Refusal) -> Piece? {
    if let streamPattern {
      if let piece = try expand(streamPattern.pieces, event, sink, topic), piece.length > 0 { return piece }
      // The payload's own, when the pattern finds nothing.
      return event.stream_length > 0
        ? Piece(offset: event.stream_offset, length: event.stream_length) : nil
    }
    return try sink.keep(topic.bytes.isEmpty ? source : topic.bytes)
  }

  /// The pattern with its placeholders filled in; nil when one has nothing to stand for.
  private func expand(
    _ pieces: [NamePattern.Piece], _ event: csj_event, _ sink: EventSink, _ topic: Topic
  ) throws(Refusal) -> Piece? {
    let start = sink.bytesUsed
    for piece in pieces {
      switch piece {
      case .literal(let text): _ = try sink.keep(text)
      case .topic: _ = try sink.keep(topic.bytes)
      case .topicPart(let part):
        guard part < topic.parts.count else { return nil }
        for byte in topic.bytes[topic.parts[part]] { try sink.keep(byte) }
      case .stream:
        guard event.stream_length > 0 else { return nil }
        try sink.keep(Piece(offset: event.stream_offset, length: event.stream_length))
      case .source: _ = try sink.keep(source)
      case .label(let name): guard try keepLabel(name, event, sink) else { return nil }
      case .key: break
      }
    }
    return Piece(start..<sink.bytesUsed)
  }

  /// Appends the text (or whole number) that the payload has under a name.
  private func keepLabel(_ name: [UInt8], _ event: csj_event, _ sink: EventSink) throws(Refusal) -> Bool {
    let labels = Int(event.first_label)..<Int(event.first_label + event.label_count)
    if let found = labels.first(where: { sink.equals(sink.labelName($0), name) }) {
      try sink.keep(sink.labelText(found))
      return true
    }
    let values = Int(event.first_value)..<Int(event.first_value + event.value_count)
    guard event.flags & CSJ_POSITIONAL.rawValue == 0,
      let found = values.first(where: { sink.equals(sink.namePiece($0), name) })
    else { return false }
    let value = sink.value(found)
    let text = value == value.rounded() && abs(value) < 1e7 ? String(Int(value)) : String(value)
    _ = try sink.keep(Array(text.utf8))
    return true
  }

  // MARK: Values

  private func rewrite(
    _ event: inout csj_event, _ sink: EventSink, _ topic: Topic, _ written: inout Int
  ) throws(Refusal) {
    let first = Int(event.first_value)
    let count = event.status == 0 ? Int(event.value_count) : 0
    event.first_value = UInt32(written)
    event.value_count = 0
    if event.status != 0 { return }
    if try !nameValues(&event, first, count, sink) {
      // Nobody knows the names: the values pass as they came.
      for index in first..<first + count {
        sink.setSpare(written, name: .none, value: sink.value(index), exact: .nan, isRate: false)
        written += 1
      }
      event.value_count = UInt32(count)
      return
    }
    convertTexts(of: event, sink)
    takeTime(&event, first, count, sink)
    guard let before = try expand(namePattern.before, event, sink, topic),
      let after = try expand(namePattern.after, event, sink, topic)
    else {
      event.status = Refusal.streamUnknown.status
      return
    }
    let plan = plan(first..<first + count, before, after, sink)
    let names = try plan.isRenaming ? sink.keep(plan.names) : .none
    for index in 0..<count + converted.count where plan.actions[index].isKept {
      let action = plan.actions[index]
      let isText = index >= count
      var value = isText ? Float(converted[index - count].value) : sink.value(first + index)
      if !value.isFinite { value = .nan }
      let raw = isText ? converted[index - count].name : sink.namePiece(first + index)
      let exact = isText ? converted[index - count].value : wantsExact ? sink.exactValue(first + index) : .nan
      let name =
        plan.isRenaming ? Piece(offset: names.offset + action.offset, length: action.length) : raw
      sink.setSpare(written, name: name, value: value, exact: exact, isRate: action.isRate)
      written += 1
      event.value_count += 1
    }
    event.schema = plan.schema
    if plan.hasRates { event.flags |= EventSink.hasRatesFlag }
    if event.value_count == 0 { event.status = Refusal.noNumbers.status }
    if Int(event.value_count) > limits.values { event.status = Refusal.tooManyFields.status }
  }

  /// Gives positional values the names of the rules, or those that the publisher sent before. False when there are none.
  private func nameValues(
    _ event: inout csj_event, _ first: Int, _ count: Int, _ sink: EventSink
  ) throws(Refusal) -> Bool {
    let stream = sink.hash(Piece(offset: event.stream_offset, length: event.stream_length), seed: sink.seed)
    if event.flags & CSJ_NAMES_FIELDS.rawValue != 0 {
      if fieldNames[stream] != nil || fieldNames.count < rules.maxStreams {
        fieldNames[stream] = (first..<first + count).map { index in
          sink.withBytes(sink.name(index)) { bytes in
            unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
          }
        }
      }
      event.flags &= ~CSJ_NAMES_FIELDS.rawValue
      return true
    }
    if event.flags & CSJ_POSITIONAL.rawValue == 0 { return true }
    let names = rules.fields.isEmpty ? fieldNames[stream] : rules.fields.map { Array($0.utf8) }
    guard let names else { return false }
    if names.count != count {
      event.status = Refusal.wrongFieldCount.status
      return false
    }
    for (index, name) in names.enumerated() { sink.setName(first + index, try sink.keep(name)) }
    event.flags &= ~CSJ_POSITIONAL.rawValue
    return true
  }

  private func convertTexts(of event: csj_event, _ sink: EventSink) {
    converted.removeAll(keepingCapacity: true)
    guard rules.units else { return }
    for label in Int(event.first_label)..<Int(event.first_label + event.label_count) {
      if let number = sink.withBytes(sink.labelText(label).range, { Texts.number($0) }) {
        converted.append((sink.labelName(label), number))
      }
    }
  }

  /// Takes the event's time from the field that the rules name.
  private func takeTime(_ event: inout csj_event, _ first: Int, _ count: Int, _ sink: EventSink) {
    guard let timeField else { return }
    event.timestamp = .nan
    event.flags &= ~CSJ_TEXT_TIME.rawValue
    if let index = (first..<first + count).first(where: { sink.equals(sink.namePiece($0), timeField.name) }) {
      event.timestamp = sink.exactValue(index) * timeField.scale
      return
    }
    let labels = Int(event.first_label)..<Int(event.first_label + event.label_count)
    if let index = labels.first(where: { sink.equals(sink.labelName($0), timeField.name) }) {
      let text = sink.labelText(index)
      event.flags |= CSJ_TEXT_TIME.rawValue
      event.text_offset = text.offset
      event.text_length = text.length
    }
  }

  private func plan(_ values: Range<Int>, _ before: Piece, _ after: Piece, _ sink: EventSink) -> NamePlan {
    var key = sink.seed
    for index in values { key = csj_chain(key, sink.hash(sink.namePiece(index), seed: sink.seed)) }
    for text in converted { key = csj_chain(key, sink.hash(text.name, seed: sink.seed)) }
    key = sink.hash(before, seed: key)
    key = sink.hash(after, seed: key)
    if let latest, latest.key == key { return latest.plan }
    if let known = plans[key] {
      latest = (key, known)
      return known
    }
    let names = values.map { sink.namePiece($0) } + converted.map(\.name)
    let plan = planner.plan(
      names: names.map { sink.copy(of: $0) }, before: sink.copy(of: before), after: sink.copy(of: after),
      timeField: timeField?.name, seed: sink.seed)
    if plans.count >= Self.mostPlans { plans.removeAll(keepingCapacity: true) }
    plans[key] = plan
    latest = (key, plan)
    return plan
  }
}

extension EventSink {
  func equals(_ piece: Piece, _ word: [UInt8]) -> Bool {
    if Int(piece.length) != word.count { return false }
    for index in 0..<word.count where byte(Int(piece.offset) + index) != word[index] { return false }
    return true
  }

  func copy(of piece: Piece) -> [UInt8] {
    withBytes(piece.range) { bytes in unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) } }
  }

  /// Makes room in the spare arrays for every value and every text of the message.
  func reserveSpare() {
    while valueCapacity < valueCount + labelCount { growValues() }
  }
}
