import Evaluation
import Generative
import Testing

@Suite struct EvaluationTests {
  @Test func `a report gives mean, standard error and bits per dimension`() {
    let report = LikelihoodReport(.exact, [-1, -2, -3, -6], width: 2)
    #expect(report.mean == -3)
    // The deviation of 4 values with squares 4 + 1 + 0 + 9 around their mean.
    #expect(abs(report.standardError - (14.0 / 3 / 4).squareRoot()) < 1e-12)
    #expect(abs(report.bitsPerDimension - 3 / (2 * 0.6931471805599453)) < 1e-12)
  }

  @Test func `grey pictures become bits with their own probability, the same by the same seed`() {
    let grey = Records(
      DataMatrix(rows: 1000, columns: 4, values: (0..<4000).map { [0, 0.25, 0.75, 1][$0 % 4] }),
      form: RowForm(shape: [2, 2], support: .unit))
    let bits = grey.binarised(seed: 3)
    #expect(bits == grey.binarised(seed: 3) && bits != grey.binarised(seed: 4))
    #expect(bits.form.support == .binary)
    for (column, probability) in [0, 0.25, 0.75, 1].enumerated() {
      let ones = stride(from: column, to: 4000, by: 4).reduce(0.0) { $0 + Double(bits.matrix.values[$1]) }
      #expect(abs(ones / 1000 - probability) < 0.06)
    }
  }

  @Test func `a halved picture holds means of two by two`() {
    let picture = Records(
      DataMatrix(rows: 1, columns: 8, values: [0, 1, 0.5, 0.5, 1, 0, 1, 0]),
      form: RowForm(shape: [2, 4], support: .unit))
    #expect(picture.halved().matrix.values == [0.5, 0.5])
    #expect(picture.halved().form.shape == [1, 2])
  }

  @Test func `picked rows keep their labels`() {
    let records = Records(DataMatrix(rows: 3, columns: 1, values: [0, 1, 1]), labels: [2, 0, 1])
    let picked = records.rows([2, 0])
    #expect(picked.matrix.values == [1, 0] && picked.labels == [1, 2])
  }

  @Test func `bars have names of their own`() {
    #expect(Set(Bars.all.map(\.name)).count == Bars.all.count)
    for bar in Bars.all { #expect(Bars.bar(named: bar.name)?.title == bar.title) }
  }
}
