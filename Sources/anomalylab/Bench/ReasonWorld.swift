import Detection
import Foundation
import Tensors

/// Streams that are made like those of machines: several ways in which fields hang together and go on.
enum ReasonWorld: String, CaseIterable {
  /// One load behind all, with a day of 288 rows; responses bent, noise of long memory.
  case machine
  /// Two loops that swing, each seen by three gauges one after the other.
  case plant
  /// Fields that wander by themselves, with little in common.
  case loose
  /// Three states with levels of their own, held for a while.
  case modes
  /// Requests that come in bursts, and what they cause: skewed, never negative.
  case bursts

  var fields: Int {
    switch self {
    case .machine: 8
    case .plant, .loose: 6
    case .modes: 7
    case .bursts: 5
    }
  }

  /// - Returns: rows one a second apart, nothing missing.
  func rows(_ count: Int, seed: UInt64) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 0x776f_726c)
    let width = fields
    var own = random.normals(width)
    var causes = random.normals(3)
    var mode = 0
    var values: [Float] = []
    values.reserveCapacity(count * width)
    let start = random.below(288)
    for row in 0..<count {
      let normals = random.normals(width)
      for field in 0..<width { own[field] = 0.8 * own[field] + 0.6 * normals[field] }
      let fresh = random.normals(3)
      for index in 0..<3 { causes[index] = 0.95 * causes[index] + 0.312 * fresh[index] }
      switch self {
      case .machine:
        let day = sine(Float(row + start) / 288)
        let load = 1.2 * day + causes[0]
        for field in 0..<width {
          let slope = 0.5 + 0.25 * Float(field)
          let bent = field % 3 == 2 ? slope * (load + 0.3 * load * load) : slope * load
          values.append(20 * Float(field + 1) + 3 * (bent + 0.35 * own[field]))
        }
      case .plant:
        for field in 0..<width {
          let loop = field / 3
          let turn = Float(row + start) / (loop == 0 ? 41 : 67) - 0.06 * Float(field % 3)
          let swing = (1 + 0.2 * causes[loop]) * sine(turn) + 0.5 * causes[loop]
          values.append(50 + 10 * (swing + 0.15 * own[field]))
        }
      case .loose:
        for field in 0..<width { values.append(5 + 0.3 * causes[0] + own[field]) }
      case .modes:
        if random.below(60) == 0 { mode = random.below(3) }
        for field in 0..<width {
          let level = Float((field * (mode + 1) * 5 + mode * 3) % 7)
          values.append(level + 0.4 * causes[0] + 0.3 * own[field])
        }
      case .bursts:
        let requests = exponential(0.8 * causes[0] + 0.4 * causes[1])
        let failures = exponential(0.5 * causes[2] - 1)
        let shape: [Float] = [
          10 * requests, 4 * requests + 2 * failures, 8 * failures, 30 + 5 * requests.squareRoot(),
          2 + failures,
        ]
        for field in 0..<width { values.append(max(0, shape[field] * (1 + 0.08 * own[field]))) }
      }
    }
    return TrainingRows(
      fields: (0..<width).map { "f\($0)" }, timestamps: (0..<count).map { 1_700_000_000 + Double($0) },
      values: values)
  }

  private func sine(_ turns: Float) -> Float { sin(2 * .pi * turns) }
  private func exponential(_ x: Float) -> Float { exp(x) }
}
