import Events
import Tensors

/// How small a fault a stream's detector finds, measured by planting faults into a shadow copy of its recent rows.
///
/// What scores is a copy of the detector as it stands, with its thresholds and its policy; the detector itself is not
/// touched.
public struct DetectionPower: Sendable, Equatable {
  /// What was found of faults of one size.
  public struct Point: Sendable, Equatable {
    public var size: Double
    public var planted = 0
    public var found = 0
    /// Incidents of those whose first feature was the planted one; faults in the order of rows have no field.
    public var named = 0
    /// Events from the begin of the fault to the opening, of each fault found, ascending.
    public var delays: [Int] = []

    public var share: Double { planted > 0 ? Double(found) / Double(planted) : 0 }
    public var medianDelay: Int? { delays.isEmpty ? nil : delays[delays.count / 2] }
  }

  /// One kind of fault by its sizes.
  public struct Curve: Sendable, Equatable {
    public var fault: ShadowFault
    public var points: [Point]

    /// The smallest size from which on at least four in five are found; nil when there is none.
    public var smallest: Double? {
      points.reversed().prefix { $0.planted > 0 && $0.share >= 0.8 }.last?.size
    }
  }

  public var curves: [Curve]
  /// Rows that the faults were planted into.
  public var rows: Int
  /// Stretches of rows that opened an incident by themselves and were left out.
  public var alarmed: Int
  /// Faults of each size that were planted.
  public var rounds: Int

  /// Rows that are needed at least.
  public static let leastRows = 160
  /// Clean rows before a fault, and rows after it in which it may still be found.
  static let lead = 40
  static let grace = 15
  private static let longest = lead + 40 + grace

  /// - Parameters:
  ///   - rows: recent rows, oldest first, with the detector's fields as columns in its order.
  ///   - rounds: faults of each kind and size at most.
  ///   - shouldStop: asked before each round; after the first one, true ends the measurement.
  public init(
    of detector: StreamDetector, rows: TrainingRows, rounds: Int = 20, seed: UInt64 = 1,
    shouldStop: () -> Bool = { false }
  ) {
    curves = ShadowFault.allCases.map { fault in
      Curve(fault: fault, points: fault.sizes.map { Point(size: $0) })
    }
    self.rows = rows.count
    alarmed = 0
    self.rounds = 0
    guard rows.count >= Self.leastRows, let model = detector.model else { return }
    let fields = rows.fields.indices.filter { model.fields.contains(rows.fields[$0]) }
    let width = rows.fields.count
    let scales = fields.map { field in
      RobustScale(
        of: (0..<rows.count).map { rows.values[$0 * width + field] }.filter(\.isFinite),
        floor: RobustScale.fieldFloor)
    }
    var shadow = Shadow(detector)
    var random = RandomStream(seed: seed, stream: 0x706f_7765)
    for round in 0..<rounds {
      if round > 0 && shouldStop() { break }
      let start = random.below(rows.count - Self.longest)
      let clean = rows.rows(start..<start + Self.longest)
      // What alarms without a fault says nothing about faults.
      if shadow.opening(of: clean, from: Self.lead) != nil {
        alarmed += 1
        continue
      }
      self.rounds += 1
      let pick = random.below(fields.count)
      let other = random.below(rows.count - 40)
      for curve in curves.indices {
        for point in curves[curve].points.indices {
          let fault = curves[curve].fault
          let size = curves[curve].points[point].size
          let length = fault.length(size)
          var faulty = clean.rows(0..<Self.lead + length + Self.grace)
          fault.plant(
            size, into: &faulty, at: Self.lead, field: fields[pick], scale: scales[pick], source: rows,
            other: other, random: &random)
          curves[curve].points[point].planted += 1
          guard let opening = shadow.opening(of: faulty, from: Self.lead) else { continue }
          curves[curve].points[point].found += 1
          curves[curve].points[point].delays.append(opening.row - Self.lead)
          if opening.feature == rows.fields[fields[pick]] { curves[curve].points[point].named += 1 }
        }
      }
    }
    for curve in curves.indices {
      for point in curves[curve].points.indices { curves[curve].points[point].delays.sort() }
    }
  }
}

/// A detector to try things on: every trial begins with the same one.
struct Shadow {
  private let detector: StreamDetector
  private var workspace = DetectorWorkspace()

  init(_ detector: StreamDetector) {
    var copy = detector
    copy.rewind()
    copy.reconcile(openIncident: nil)
    copy.acceptedSince = nil
    copy.phase = .scoring
    self.detector = copy
  }

  /// The first incident that opens at or after row `from`; what the rows before open is closed and forgotten.
  mutating func opening(of rows: TrainingRows, from: Int) -> (row: Int, feature: String?)? {
    var copy = detector
    var start = 0
    while start < rows.count {
      let end = min(rows.count, start < from ? from : start + DetectorWorkspace.batchRows)
      let part = rows.rows(start..<end)
      copy.observe(
        rows: part.values, width: rows.fields.count, timestamps: part.timestamps, count: part.count,
        workspace: &workspace)
      if start < from {
        copy.reconcile(openIncident: nil)
      } else if let index = workspace.alerts.firstIndex(where: { $0.state == .open }) {
        return (start + workspace.alertRows[index], workspace.alerts[index].features.first?.name)
      }
      start = end
    }
    return nil
  }
}
