public import Gradients
import Networks
import Tensors

/// Rows of a model's form, for the tape of a plan.
extension NetworkModel {
  /// Prepared rows with their labels behind them, where there are classes; and the shape of one row of that.
  func prepared(_ rows: Records) -> (values: [Float], row: Shape) {
    let values = preparation(rows.matrix)
    let wide = preparation.form.width
    guard Design.isConditional, form.classes > 0, let labels = rows.labels else { return (values, [wide]) }
    precondition(
      labels.allSatisfy { (0..<form.classes).contains($0) }, "labels beyond the \(form.classes) classes")
    var joined: [Float] = []
    joined.reserveCapacity(values.count + rows.count)
    for row in 0..<rows.count {
      joined += values[row * wide..<(row + 1) * wide]
      joined.append(Float(labels[row]))
    }
    return (joined, [wide + 1])
  }

  /// A row of ``prepared(_:)`` as a design sees it.
  func split(_ x: Variable) -> Rows {
    let wide = preparation.form.width
    guard x.shape[1] > wide else { return Rows(x) }
    return Rows(x[-1, 0..<wide], labels: x[-1, wide..<wide + 1].reshaped([x.shape[0]]))
  }

  /// The results of a network on rows, side by side; batches of at most 64, `width` numbers a row.
  func run(_ rows: Records, width: Int, _ network: @escaping (Rows) -> Variable) -> [Float] {
    let (values, row) = prepared(rows)
    return run(values, count: rows.count, row: row, width: width) { network(split($0)) }
  }

  func run(
    _ values: [Float], count: Int, row: Shape, width: Int, _ network: @escaping (Variable) -> Variable
  ) -> [Float] {
    plan(row: row, network).results(values, count: count, width: width)
  }
}

extension NetworkPlan {
  /// The results of many rows side by side, `width` numbers each; batches of at most 64.
  func results(_ values: [Float], count: Int, width: Int) -> [Float] {
    var results = [Float](repeating: 0, count: count * width)
    let indices = Array(0..<count)
    for start in stride(from: 0, to: count, by: 64) {
      let part = indices[start..<min(count, start + 64)]
      run(values, rows: part).copy(part.count * width, into: &results, at: start * width)
    }
    return results
  }
}

extension NetworkModel: LikelihoodModel where Design: LikelihoodDesign {
  public var likelihoodKind: LikelihoodKind {
    (design as? any EnergyDesign)?.likelihoodKind(parameters) ?? design.likelihoodKind
  }

  public func logLikelihoods(_ rows: Records, samples: Int, seed: UInt64) -> [Double] {
    let (values, row) = prepared(rows)
    let volume = preparation.logVolume
    let most = max(1, min(Self.microBatch, 4096 / max(samples, 1)))
    var results: [Double] = []
    results.reserveCapacity(rows.count)
    let buffer = ParameterBuffer(parameters)
    var recorded: (tape: Tape, input: Variable, output: Variable)?
    let indices = Array(0..<rows.count)
    for start in stride(from: 0, to: rows.count, by: most) {
      let part = indices[start..<min(rows.count, start + most)]
      if let now = recorded, now.input.shape[0] == part.count {
        now.tape.assign(now.input, rows: part, of: values)
        now.tape.rerun(step: UInt64(start))
      } else {
        let tape = Tape(buffer, seed: seed)
        tape.step = UInt64(start)
        let input = tape.input(row.inserting(part.count, at: 0))
        tape.assign(input, rows: part, of: values)
        recorded = (tape, input, design.logLikelihood(split(input), samples: samples))
      }
      if let recorded { results += recorded.output.value.values.map { Double($0) + volume } }
    }
    return results
  }
}

extension NetworkModel: DifferentiableDensity where Design: SmoothDesign {
  public var densityParameters: Parameters { parameters }

  public func logDensity(_ x: Variable) -> Variable {
    guard preparation.kind == .standardised else {
      return design.logLikelihood(Rows(x), samples: 1)
    }
    let tape = x.tape
    let shift = tape.input(Tensor(preparation.shift, shape: [width]))
    let scale = tape.input(Tensor(preparation.scale, shape: [width]))
    return design.logLikelihood(Rows((x - shift) * scale), samples: 1) + Float(preparation.logVolume)
  }
}

extension NetworkModel: EncodingModel, ReconstructingModel where Design: EncodingDesign {
  public var codeWidth: Int { design.codeWidth }

  public func codes(of rows: Records) -> [Float] {
    run(rows, width: codeWidth) { design.encode($0) }
  }

  public func decode(codes: [Float], count: Int, labels: [Int]?) -> [Float] {
    precondition(codes.count == count * codeWidth, "\(codes.count) numbers are not \(count) × \(codeWidth)")
    let wide = preparation.form.width
    guard Design.isConditional, form.classes > 0, let labels else {
      return preparation.restored(
        run(codes, count: count, row: [codeWidth], width: wide) { design.decode($0, labels: nil) })
    }
    var joined: [Float] = []
    for row in 0..<count {
      joined += codes[row * codeWidth..<(row + 1) * codeWidth]
      joined.append(Float(labels[row]))
    }
    let decoded = run(joined, count: count, row: [codeWidth + 1], width: wide) { x in
      design.decode(
        x[-1, 0..<codeWidth], labels: x[-1, codeWidth..<codeWidth + 1].reshaped([x.shape[0]]))
    }
    return preparation.restored(decoded)
  }

  public func reconstruct(_ rows: Records) -> [Float] {
    preparation.restored(
      run(rows, width: preparation.form.width) { design.decode(design.encode($0), labels: $0.labels) })
  }
}

extension NetworkModel: InpaintingModel where Design: InpaintingDesign {
  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    let wide = preparation.form.width
    let bits = wide / width
    let mask = rows.matrix.mask ?? [Float](repeating: 1, count: rows.matrix.values.count)
    let filled = design.inpaint(
      preparation(rows.matrix), mask: bits == 1 ? mask : mask.flatMap { [Float](repeating: $0, count: bits) },
      count: rows.count, labels: rows.labels, seed: seed, ParameterBuffer(parameters))
    // What was given stays as it was given, to the bit.
    let restored = preparation.restored(filled)
    return restored.indices.map { mask[$0] == 0 ? restored[$0] : rows.matrix.values[$0] }
  }
}

extension NetworkModel: ConditionalModel where Design: ConditionalDesign {
  public var classes: Int { form.classes }

  public func sample(classes labels: [Int], seed: UInt64) -> [Float] {
    precondition(
      labels.allSatisfy { (0..<max(classes, 1)).contains($0) }, "classes \(labels) of \(classes)")
    return sample(SampleRequest(count: labels.count, seed: seed, labels: labels))
  }
}

extension NetworkModel: Inspectable where Design: InspectableDesign {
  public var facts: [(name: String, value: String)] { design.facts(parameters) }
}

extension NetworkModel: InvertibleModel where Design: InvertibleDesign {
  public func latent(of rows: Records) -> (z: [Float], logDeterminant: [Double]) {
    let wide = preparation.form.width
    let joined = run(rows, width: wide + 1) { rows in
      let (z, logDeterminant) = design.forward(rows)
      return concatenate([z, logDeterminant.inserting(1)], axis: -1)
    }
    let volume = preparation.logVolume
    return (
      (0..<rows.count).flatMap { joined[$0 * (wide + 1)..<$0 * (wide + 1) + wide] },
      (0..<rows.count).map { Double(joined[$0 * (wide + 1) + wide]) + volume }
    )
  }

  public func rows(ofLatent z: [Float], count: Int, labels: [Int]?) -> [Float] {
    preparation.restored(design.inverse(z, count: count, labels: labels, ParameterBuffer(parameters)))
  }
}

extension NetworkModel: AutoregressiveModel where Design: AutoregressiveDesign {
  /// Of the prepared rows.
  public var order: [Int] { design.order }

  public func conditionals(of rows: Records) -> [Float] {
    run(rows, width: preparation.form.width) { design.conditionals($0) }
  }

  public func sampleNaively(count: Int, seed: UInt64) -> [Float] {
    preparation.restored(
      design.sampleNaively(SampleRequest(count: count, seed: seed), ParameterBuffer(parameters)))
  }
}
