import Archive
import Detection
import Events

extension AlertStore {
  /// Earlier incidents of the stream that were explained like this one: at most three, most alike first; of equally alike ones first
  /// what people said something of, then the newest.
  ///
  /// - Parameters:
  ///   - seq: only incidents whose first statement has a smaller number.
  ///   - compared: how many of them are looked at, newest first.
  func similar(
    to alert: Alert, openedBefore seq: UInt64 = .max, compared: Int = 500
  ) throws(ArchiveError) -> [SimilarIncident] {
    if alert.features.isEmpty { return [] }
    let alike = try latest(of: StreamKey(alert.stream), openedBefore: seq, limit: compared)
      .filter { $0.id != alert.id }
      .map { (alert: $0, likeness: Likeness.of($0, alert)) }
      .filter { $0.likeness >= Likeness.bar }
    if alike.isEmpty { return [] }
    let labels = try labels(of: alike.map(\.alert.id))
    let best = alike.sorted {
      // To two digits they are equally alike.
      let (a, b) = (($0.likeness * 100).rounded(), ($1.likeness * 100).rounded())
      let (said, other) = (labels[$0.alert.id] != nil ? 1 : 0, labels[$1.alert.id] != nil ? 1 : 0)
      return (a, said, $0.alert.onset) > (b, other, $1.alert.onset)
    }
    var similar: [SimilarIncident] = []
    for (earlier, likeness) in best.prefix(3) {
      similar.append(
        SimilarIncident(
          id: earlier.id, onset: earlier.onset, likeness: likeness, label: labels[earlier.id],
          cause: try cause(of: earlier.id)))
    }
    return similar
  }
}
