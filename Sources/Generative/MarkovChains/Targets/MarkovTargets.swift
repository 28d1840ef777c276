public import FoundationEssentials

/// The densities that have a name.
public enum MarkovTargets {
  /// One density with its name, and how it is made from data.
  public struct Entry: Sendable {
    public let name: String
    /// In one line.
    public let summary: String
    /// What data it takes; nil for none.
    public let data: String?
  }

  public static let all: [Entry] = [
    Entry(name: "standard-normal", summary: "ten independent normal coordinates", data: nil),
    Entry(name: "correlated-normal", summary: "five correlated coordinates of different scales", data: nil),
    Entry(name: "rosenbrock", summary: "a banana in two dimensions", data: nil),
    Entry(name: "funnel", summary: "Neal's funnel in ten dimensions", data: nil),
    Entry(name: "eight-gaussians", summary: "eight modes on a circle", data: nil),
    Entry(
      name: "eight-schools", summary: "eight schools, non-centred",
      data: "JSON or columns y and sigma (those of the paper otherwise)"),
    Entry(name: "arma11", summary: "an ARMA(1,1) process", data: "JSON or a column y"),
    Entry(
      name: "linear-regression", summary: "normal errors around a plane",
      data: "rows of features and an outcome"),
    Entry(
      name: "logistic-regression", summary: "the log odds of 1 are a plane",
      data: "rows of features and an outcome of 0 or 1"),
  ]

  /// The names under which posteriordb knows two of them.
  private static let otherNames = [
    "eight_schools-eight_schools_noncentered": "eight-schools", "arma-arma11": "arma11",
  ]

  /// A density by name.
  ///
  /// - Parameters:
  ///   - json: the content of a data file for the two posteriors: `{"data": {…}, "reference": {…}}`, or the data alone.
  ///   - rows: numbers and the names of their columns; the posteriors take those named as in the model.
  public static func density(
    _ name: String, json: Data? = nil, rows: (names: [String], data: DataMatrix)? = nil
  ) throws(TargetError) -> Density {
    let name = otherNames[name] ?? name
    guard let entry = all.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: all.map(\.name))
    }
    if entry.data == nil && (json != nil || rows != nil) {
      throw .wrongData(target: name, why: "it takes none")
    }
    switch name {
    case "standard-normal": return StudyDensities.standardNormal()
    case "correlated-normal": return StudyDensities.correlatedNormal()
    case "rosenbrock": return StudyDensities.rosenbrock()
    case "funnel": return StudyDensities.funnel()
    case "eight-gaussians": return StudyDensities.eightGaussians()
    case "eight-schools": return try eightSchools(json, rows)
    case "arma11": return try process(json, rows)
    default:
      guard let rows else {
        throw .needsData(target: name, what: "a file of numbers with features and an outcome")
      }
      let outcome: Regression.Outcome = name == "linear-regression" ? .linear : .logistic
      return try Regression(outcome, names: rows.names, rows: rows.data).density
    }
  }

  private static func eightSchools(
    _ json: Data?, _ rows: (names: [String], data: DataMatrix)?
  ) throws(TargetError) -> Density {
    var (schools, reference) = (EightSchools(), [String: Density.Moments]())
    if let json {
      (schools, reference) = try decode(EightSchools.self, json, target: "eight-schools")
    } else if let rows {
      schools.y = try column("y", rows, target: "eight-schools")
      schools.sigma = try column("sigma", rows, target: "eight-schools")
    }
    guard !schools.y.isEmpty, schools.y.count == schools.sigma.count, schools.sigma.allSatisfy({ $0 > 0 })
    else { throw .wrongData(target: "eight-schools", why: "y and sigma must be as long, and sigma positive") }
    var density = schools.density
    density.reference = reference
    return density
  }

  private static func process(
    _ json: Data?, _ rows: (names: [String], data: DataMatrix)?
  ) throws(TargetError) -> Density {
    var (y, reference) = ([Double](), [String: Density.Moments]())
    if let json {
      let (process, known) = try decode(AutoregressiveMovingAverage.self, json, target: "arma11")
      (y, reference) = (process.y, known)
    } else if let rows {
      y = try column("y", rows, target: "arma11")
    } else {
      throw .needsData(target: "arma11", what: "a JSON file with y, or rows with a column y")
    }
    guard y.count > 1 else { throw .wrongData(target: "arma11", why: "y has fewer than two observations") }
    var density = AutoregressiveMovingAverage(y: y).density
    density.reference = reference
    return density
  }

  /// A column by name, or the only one.
  private static func column(
    _ name: String, _ rows: (names: [String], data: DataMatrix), target: String
  ) throws(TargetError) -> [Double] {
    let (names, data) = rows
    guard let index = names.firstIndex(of: name) ?? (names.count == 1 && name == "y" ? 0 : nil) else {
      throw .wrongData(target: target, why: "there is no column \(name)")
    }
    for row in 0..<data.rows {
      let place = row * data.columns + index
      guard data.values[place].isFinite && data.mask?[place] != 0 else {
        throw .notFinite(row: row, column: names[index])
      }
    }
    return (0..<data.rows).map { Double(data.values[$0 * data.columns + index]) }
  }

  private struct PosteriorFile<Content: Decodable>: Decodable {
    var data: Content
    var reference: [String: Density.Moments]?
  }

  private static func decode<Content: Decodable>(
    _ type: Content.Type, _ json: Data, target: String
  ) throws(TargetError) -> (Content, [String: Density.Moments]) {
    do {
      if let file = try? JSONDecoder().decode(PosteriorFile<Content>.self, from: json) {
        return (file.data, file.reference ?? [:])
      }
      return (try JSONDecoder().decode(Content.self, from: json), [:])
    } catch {
      throw .wrongData(target: target, why: readable(error))
    }
  }

  private static func readable(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "there is no \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is not what it should be"
    case .dataCorrupted(let context): "it is not JSON (\(context.debugDescription))"
    default: "\(error)"
    }
  }
}
