public import Events
import Tensors

/// How right the reasons are that a stream's detector gives, measured by planting faults of which all is known into a shadow
/// copy of its rows.
///
/// Only faults that open an incident count: whether they do is asked by ``DetectionPower``. What is looked at is the last
/// statement about the incident before it ends.
public struct ReasonPower: Sendable, Equatable {
  /// What was said of faults of one sort.
  public struct Finding: Sendable, Equatable {
    public var fault: ReasonFault
    public var planted = 0
    /// So many opened an incident; the rest of the figures are of these.
    public var opened = 0
    /// The planted field came first; only of faults that have one.
    public var named = 0
    /// How often each kind was said.
    public var kinds: [Alert.Kind: Int] = [:]
    /// Events from the begin of the fault to the onset that was said, ascending; negative: dated too early.
    public var onsets: [Int] = []
    /// The nearest normal event was normal when it was scored again.
    public var normal = 0
    /// Of these, only the planted field was changed.
    public var normalByField = 0

    public init(fault: ReasonFault) { self.fault = fault }

    public var right: Int { kinds[fault.kind] ?? 0 }

    mutating func add(_ other: Finding) {
      planted += other.planted
      opened += other.opened
      named += other.named
      kinds.merge(other.kinds, uniquingKeysWith: +)
      onsets = (onsets + other.onsets).sorted()
      normal += other.normal
      normalByField += other.normalByField
    }
  }

  /// A single odd value, explained so many events later.
  public struct LagFinding: Sendable, Equatable {
    public var lag: Int
    public var explained = 0
    /// The planted field came first.
    public var named = 0
    /// Of these, the planted event did.
    public var dated = 0
  }

  public var findings: [Finding] = ReasonFault.allCases.map { Finding(fault: $0) }
  public var lags: [LagFinding] = [0, 1, 3, 6, 10].map { LagFinding(lag: $0) }

  /// Rows before a fault, and after it, in which what is said still counts.
  static let lead = 96
  static let grace = 12
  /// Rows that are needed at least.
  public static let leastRows = 512

  public init() {}

  /// - Parameters:
  ///   - rows: recent rows that nobody found odd, oldest first, with the detector's fields as columns in its order.
  ///   - rounds: faults of each sort at most.
  public init(of detector: StreamDetector, rows: TrainingRows, rounds: Int = 20, seed: UInt64 = 1) {
    self.init()
    guard rows.count >= Self.leastRows, let model = detector.model else { return }
    let fields = rows.fields.indices.filter { model.fields.contains(rows.fields[$0]) }
    let usual = UsualState(rows)
    var copy = detector
    copy.reconcile(openIncident: nil)
    copy.acceptedSince = nil
    copy.phase = .scoring
    var random = RandomStream(seed: seed, stream: 0x7265_6173)
    let longest = Self.lead + 32 + Self.grace
    for _ in 0..<rounds {
      let start = random.below(rows.count - longest)
      let clean = rows.rows(start..<start + longest)
      var before = copy
      guard Self.run(&before, clean.rows(0..<Self.lead)).alerts.isEmpty else { continue }
      let field = fields[random.below(fields.count)]
      // What alarms without a fault says nothing about faults.
      var unharmed = before
      guard Self.run(&unharmed, clean.rows(Self.lead..<longest)).alerts.isEmpty else { continue }
      for index in findings.indices {
        var faulty = clean
        guard
          findings[index].fault.plant(
            into: &faulty, at: Self.lead, field: field, usual: usual, random: &random)
        else { continue }
        judge(&findings[index], faulty, field: rows.fields[field], before, copy)
      }
      findLags(before, clean, field, usual, contents: model.contents, &random)
    }
  }

  public mutating func add(_ other: ReasonPower) {
    for index in findings.indices { findings[index].add(other.findings[index]) }
    for index in lags.indices {
      lags[index].explained += other.lags[index].explained
      lags[index].named += other.lags[index].named
      lags[index].dated += other.lags[index].dated
    }
  }

  /// - Parameters:
  ///   - before: as it stands just before the fault.
  ///   - copy: as it stands before the first of the rows.
  private func judge(
    _ finding: inout Finding, _ rows: TrainingRows, field: String, _ before: StreamDetector,
    _ copy: StreamDetector
  ) {
    finding.planted += 1
    let end = Self.lead + finding.fault.length + Self.grace
    var detector = before
    let said = Self.run(&detector, rows.rows(Self.lead..<end))
    guard let first = said.alerts.first(where: { $0.state == .open }),
      let last = said.alerts.lastIndex(where: { $0.id == first.id && !$0.isOver })
    else { return }
    let alert = said.alerts[last]
    finding.opened += 1
    finding.kinds[alert.kind, default: 0] += 1
    if finding.fault.hasField && alert.features.first?.name == field { finding.named += 1 }
    let onset = rows.timestamps.firstIndex { $0 >= alert.onset } ?? end
    finding.onsets.append(onset - Self.lead)
    finding.onsets.sort()
    let row = Self.lead + said.rows[last]
    guard
      let normal = NearestNormal(
        of: copy, rows: rows.rows(0..<row + 1), onset: alert.onset, features: alert.features.map(\.name)),
      normal.isNormal
    else { return }
    finding.normal += 1
    if normal.changes.map(\.name) == [field] { finding.normalByField += 1 }
  }

  private mutating func findLags(
    _ before: StreamDetector, _ clean: TrainingRows, _ field: Int, _ usual: UsualState,
    contents: StreamModel.Contents, _ random: inout RandomStream
  ) {
    var faulty = clean
    guard
      ReasonFault.spike.plant(into: &faulty, at: Self.lead, field: field, usual: usual, random: &random)
    else { return }
    for index in lags.indices where lags[index].lag < contents.plan.span {
      var detector = before
      let rows = faulty.rows(Self.lead..<Self.lead + lags[index].lag + 1)
      let said = Self.run(&detector, rows, oneByOne: true)
      let inputs = Array(said.workspace.inputs.inputs[..<contents.plan.width])
      let explanation = Explanation(
        of: contents, inputs: inputs, windows: said.workspace.inputs.window(0, plan: contents.plan),
        mask: said.workspace.inputs.hasMissing
          ? Array(said.workspace.inputs.mask[..<contents.plan.width]) : nil,
        time: rows.timestamps[rows.count - 1],
        row: detector.columns.map { column in
          column < 0 ? .nan : rows.values[(rows.count - 1) * rows.fields.count + Int(column)]
        }, keep: 1)
      lags[index].explained += 1
      guard explanation.features.first?.name == clean.fields[field] else { continue }
      lags[index].named += 1
      if explanation.features.first?.lag ?? 0 == lags[index].lag { lags[index].dated += 1 }
    }
  }

  private struct Said {
    var alerts: [Alert] = []
    /// The row at which each was said.
    var rows: [Int] = []
    var workspace = DetectorWorkspace()
  }

  private static func run(
    _ detector: inout StreamDetector, _ rows: TrainingRows, oneByOne: Bool = false
  ) -> Said {
    var said = Said()
    let batch = oneByOne ? 1 : DetectorWorkspace.batchRows
    for start in stride(from: 0, to: rows.count, by: batch) {
      let part = rows.rows(start..<min(start + batch, rows.count))
      detector.observe(
        rows: part.values, width: rows.fields.count, timestamps: part.timestamps, count: part.count,
        workspace: &said.workspace)
      said.alerts += said.workspace.alerts
      said.rows += said.workspace.alertRows.map { $0 + start }
    }
    return said
  }
}
