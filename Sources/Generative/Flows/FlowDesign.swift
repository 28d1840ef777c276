public import Gradients
import Networks
import Tensors

/// A member of the suite that is a flow: all that such members can do follows from the flow.
///
/// Real numbers have an exact density. Levels of brightness and bits are dequantised, and what is said of them is a lower bound.
public protocol FlowDesign: InvertibleDesign, EncodingDesign, ConditionalDesign, SmoothDesign {
  var flow: Flow { get }
}

extension FlowDesign {
  public static var likelihoodKind: LikelihoodKind { .exact }
  public var likelihoodKind: LikelihoodKind { flow.dequantisation == nil ? .exact : .lowerBound }
  public var codeWidth: Int { flow.width }

  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 128
    training.rate = 2e-3
    training.clip = 5
    training.cosine = true
    training.patience = 6
    return training
  }

  /// Numbers between 0 and 1 are levels of brightness in pictures and real numbers otherwise.
  public static func support(for form: RowForm, _ settings: Settings) -> Support {
    form.support == .unit && form.shape.count < 2 ? .real : form.support
  }

  // MARK: likelihood

  public func loss(_ rows: Rows) -> Variable {
    let rows = filled(rows)
    guard flow.noise > 0, rows.isTraining, flow.dequantisation == nil else {
      return -logLikelihood(rows, samples: 1).mean()
    }
    let noisy = rows.x + rows.tape.normal(rows.x.shape) * flow.noise
    return -logLikelihood(Rows(noisy, labels: rows.labels, isTraining: true), samples: 1).mean()
  }

  /// A flow has no density of a part of a row. Were the same number to stand for all that is missing, the flow would learn a spike
  /// there, as high as it can: instead a usual one is drawn anew at each step, of standardised rows from a normal distribution (bits
  /// that are missing are drawn from their mean, levels dequantised anyway).
  private func filled(_ rows: Rows) -> Rows {
    guard let mask = rows.mask, flow.dequantisation == nil else { return rows }
    let usual = rows.tape.normal(rows.x.shape) * (1 - mask)
    return Rows(rows.x * mask + usual, labels: rows.labels, isTraining: rows.isTraining)
  }

  public func strangeness(_ rows: Rows) -> Variable { -logDensity(rows, noise: nil) }

  /// Exact, or of dequantised rows the bound of so many draws: `log 1/n Σ p(x + u_i) ≤ log P(x)` in the mean (Burda et al. 2016).
  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    guard flow.dequantisation != nil else { return logDensity(rows, noise: nil) }
    let draws = (0..<max(samples, 1)).map { _ in
      logDensity(rows, noise: rows.tape.uniform(rows.x.shape))
    }
    return draws.count == 1 ? draws[0] : Self.logMean(draws)
  }

  /// `log 1/n Σ e^values`
  private static func logMean(_ values: [Variable]) -> Variable {
    let joined = concatenate(values.map { $0.inserting(1) }, axis: 1)
    return logSumExp(joined, axis: 1) - VectorMath.log([Float(values.count)])[0]
  }

  /// Of rows whose class nobody told: the mean over all classes, each as probable.
  private func logDensity(_ rows: Rows, noise: Variable?) -> Variable {
    guard flow.classes > 0, rows.labels == nil else { return logDensityOfClass(rows, noise: noise) }
    return Self.logMean(
      (0..<flow.classes).map { label in
        let labels = rows.tape.input(Tensor(repeating: Float(label), shape: [rows.count]))
        return logDensityOfClass(Rows(rows.x, labels: labels, isTraining: rows.isTraining), noise: noise)
      })
  }

  private func logDensityOfClass(_ rows: Rows, noise: Variable?) -> Variable {
    let given = condition(rows)
    guard let dequantisation = flow.dequantisation else { return flow.logDensity(rows.x, given) }
    let (y, logDeterminant) = dequantisation.forward(rows.x, noise: noise)
    return flow.logDensity(y, given) + logDeterminant + dequantisation.logVolume(width: flow.width)
  }

  private func condition(_ rows: Rows) -> Condition {
    flow.condition(rows.labels, isTraining: rows.isTraining, on: rows.tape, rows: rows.count)
  }

  // MARK: there and back

  public func forward(_ rows: Rows) -> (z: Variable, logDeterminant: Variable) {
    guard let dequantisation = flow.dequantisation else { return flow.forward(rows.x, condition(rows)) }
    let (y, entered) = dequantisation.forward(rows.x)
    let (z, logDeterminant) = flow.forward(y, condition(rows))
    return (z, logDeterminant + entered)
  }

  public func encode(_ rows: Rows) -> Variable { forward(rows).z }

  public func decode(_ codes: Variable, labels: Variable?) -> Variable {
    let given = flow.condition(labels, isTraining: false, on: codes.tape, rows: codes.shape[0])
    let x = flow.inverse(codes, given)
    return flow.dequantisation?.inverse(x) ?? x
  }

  public func inverse(_ z: [Float], count: Int, labels: [Int]?, _ buffer: ParameterBuffer) -> [Float] {
    let width = flow.width
    precondition(z.count == count * width, "\(z.count) numbers are not \(count) × \(width)")
    let known = flow.classes > 0 ? labels : nil
    let wide = known == nil ? width : width + 1
    var rows = z
    if let known {
      rows = (0..<count).flatMap { z[$0 * width..<($0 + 1) * width] + [Float(known[$0])] }
    }
    let plan = NetworkPlan(buffer, row: [wide]) { x in
      decode(
        wide == width ? x : x[1, 0..<width],
        labels: wide == width ? nil : x[1, width..<wide].reshaped([x.shape[0]]))
    }
    let indices = Array(0..<count)
    var result: [Float] = []
    result.reserveCapacity(count * width)
    for start in stride(from: 0, to: count, by: 256) {
      result += plan.run(rows, rows: indices[start..<min(start + 256, count)]).values
    }
    return result
  }

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let z = flow.base.sample(request.count, width: flow.width, seed: request.seed, buffer)
    let rows = inverse(z, count: request.count, labels: request.labels, buffer)
    if let dequantisation = flow.dequantisation { return dequantisation.nearestLevels(rows) }
    // No row was ever shown further out.
    return rows.map { max(-Preparation.bound, min(Preparation.bound, $0)) }
  }
}
