import Generative

extension StreamModel {
  /// What a detector makes of consecutive rows when it has to say them again from what it kept of them.
  ///
  /// - Parameters:
  ///   - values: `count × fields` in ``fields`` and their own units; NaN is missing, and filled in by the model.
  ///   - count: rows, one after the other; the first ones have little past to go by.
  /// - Returns: as `values`; nil for a detector that cannot reconstruct, or is not there.
  public func reconstruction(by name: DetectorName, of values: [Float], count: Int) -> [Float]? {
    precondition(
      values.count == count * fields.count, "\(values.count) values for \(count) × \(fields.count)")
    guard count > 0, let member = detector(name) as? any ReconstructingModel else { return nil }
    let inputs = contents.plan.inputs(values, rows: count, segmentStarts: [])
    let rows = DataMatrix(
      rows: count, columns: member.width, values: inputs.values, mask: inputs.missing ? inputs.mask : nil)
    let again = member.reconstruct(Records(rows))
    return (0..<count).flatMap { row(fromInputs: again[$0 * member.width..<($0 + 1) * member.width]) }
  }
}
