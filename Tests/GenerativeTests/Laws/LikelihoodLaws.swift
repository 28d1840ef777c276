import Foundation
import Tensors
import Testing

@testable import Generative

/// What numbers called likelihood and draws called samples promise, seen on bits of which there are few enough to try all.
@Suite struct LikelihoodLaws {
  static let members = Catalogue.tested.filter { $0.capabilities.contains(.likelihood) }

  /// All rows of bits of a form; each with every label in turn where there are classes.
  private static func states(_ form: LawForm, classes: Int = 0, label: Int = 0) -> Records {
    let width = form.width
    let values = (0..<1 << width).flatMap { state in (0..<width).map { Float(state >> $0 & 1) } }
    return Records(
      DataMatrix(rows: 1 << width, columns: width, values: values),
      form: RowForm(shape: form.shape, support: .binary, classes: classes),
      labels: classes == 0 ? nil : [Int](repeating: label, count: 1 << width))
  }

  private static func model(_ entry: Catalogue.Entry) throws -> (any LikelihoodModel)? {
    guard let model = try entry.small(on: entry.binaryForm) as? any LikelihoodModel else { return nil }
    return model.countsBits ? model : nil
  }

  @Test("probabilities of all rows sum to one; bounds to no more", arguments: members)
  func sums(entry: Catalogue.Entry) throws {
    guard let model = try Self.model(entry) else { return }
    let classes = entry.capabilities.contains(.conditional) ? 2 : 0
    for label in 0..<max(classes, 1) {
      let states = Self.states(entry.binaryForm, classes: classes, label: label)
      let samples = model.likelihoodKind == .exact ? 1 : 50
      let likelihoods = model.logLikelihoods(states, samples: samples, seed: 5)
      #expect(likelihoods.count == states.count && likelihoods.allSatisfy { !$0.isNaN })
      let sum = likelihoods.reduce(0) { $0 + exp($1) }
      switch model.likelihoodKind {
      case .exact: #expect(abs(sum - 1) <= 1e-4, "\(entry.name): \(sum)")
      // A bound is noisy, and so is the sum of many.
      case .lowerBound: #expect(sum <= 1.02, "\(entry.name): \(sum)")
      case .estimate: #expect(abs(sum - 1) <= 0.1, "\(entry.name): \(sum)")
      }
    }
  }

  @Test("likelihoods do not depend on the rows beside", arguments: members)
  func rowByRow(entry: Catalogue.Entry) throws {
    guard let model = try entry.small(on: entry.naturalForm) as? any LikelihoodModel,
      model.likelihoodKind == .exact
    else { return }
    let rows = entry.lawRecords(entry.naturalForm, 70, seed: 8)
    let together = model.logLikelihoods(rows, samples: 1, seed: 1)
    for row in [0, 65] {
      var alone = rows
      alone.matrix = rows.matrix.rows([row][...])
      alone.labels = rows.labels.map { [$0[row]] }
      let likelihood = model.logLikelihoods(alone, samples: 1, seed: 2)[0]
      #expect(abs(likelihood - together[row]) <= 1e-4 * max(1, abs(likelihood)))
    }
  }

  @Test("samples are as frequent as they are probable", arguments: members)
  func chiSquare(entry: Catalogue.Entry) throws {
    guard let model = try Self.model(entry), model.likelihoodKind == .exact else { return }
    let form = entry.binaryForm
    let classes = entry.capabilities.contains(.conditional) ? 2 : 0
    // Of a conditional member, its second class.
    let draws = 4000
    let samples: [Float]
    if classes > 0, let conditional = model as? any ConditionalModel {
      samples = conditional.sample(classes: [Int](repeating: 1, count: draws), seed: 11)
    } else {
      samples = model.sample(count: draws, seed: 11)
    }
    #expect(samples.count == draws * form.width && samples.allSatisfy { $0 == 0 || $0 == 1 })
    var counts = [Double](repeating: 0, count: 1 << form.width)
    for row in 0..<draws {
      counts[(0..<form.width).reduce(0) { $0 | Int(samples[row * form.width + $1]) << $1 }] += 1
    }
    let expected = model.logLikelihoods(
      Self.states(form, classes: classes, label: 1), samples: 1, seed: 1
    ).map { exp($0) * Double(draws) }
    #expect(Self.chiSquareDeviate(counts, expected) < 4.5, "\(entry.name)")
  }

  /// Pearson's statistic as a standard normal number (Wilson & Hilferty 1931); rare states are counted together.
  static func chiSquareDeviate(_ counts: [Double], _ expected: [Double]) -> Double {
    var (statistic, bins, rareCount, rareExpected) = (0.0, 0.0, 0.0, 0.0)
    for (count, mean) in zip(counts, expected) {
      if mean < 5 {
        rareCount += count
        rareExpected += mean
      } else {
        statistic += (count - mean) * (count - mean) / mean
        bins += 1
      }
    }
    if rareExpected > 0 {
      statistic += (rareCount - rareExpected) * (rareCount - rareExpected) / rareExpected
      bins += 1
    }
    let k = max(bins - 1, 1)
    return (cbrt(statistic / k) - (1 - 2 / (9 * k))) / (2 / (9 * k)).squareRoot()
  }

  @Test func `the chi-square test sees a bias of a tenth`() {
    let even = [Double](repeating: 20, count: 200)
    #expect(Self.chiSquareDeviate(even, even) < 0)
    let biased = (0..<200).map { $0 % 2 == 0 ? 30.0 : 10.0 }
    #expect(Self.chiSquareDeviate(biased, even) > 4.5)
  }
}
