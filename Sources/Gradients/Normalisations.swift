import Tensors

/// Rows (or groups of channels) brought to mean 0 and variance 1, scaled and shifted per channel; saves the moments.
struct RowNormalisation: Operation {
  let rows: RowNorm
  let epsilon: Float
  func savedShape(_ x: [Shape]) -> Shape? { [2, x[0].size / Swift.max(rows.width, 1)] }
  func forward(_ x: Operands, into y: View) {
    Normalisation.forward(
      x[0], rows, epsilon: epsilon, gain: x[1], shift: x[2], into: y, moments: x.saved)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.through { x in
      let (groups, channels, spatial) = (rows.groups, rows.channels, rows.spatial)
      let all = x[0].reshaped([x[0].shape.size / (groups * rows.width), groups, channels, spatial])
      let centred = all - all.mean(2, 3, keepingAxes: true)
      let deviation = sqrt(centred.squared().mean(2, 3, keepingAxes: true) + epsilon)
      let along: Shape = [groups, channels, 1]
      let y = centred / deviation * x[1].reshaped(along) + x[2].reshaped(along)
      return y.reshaped(x[0].shape)
    }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let moments = at.saved else { return nil }
    let g = at.gradient.contiguous()
    let dx = at.by(0) { at[0].record(RowNormalisationBackward(rows: rows), moments, at[1], g) }
    guard at.needs(1) || at.needs(2) else { return [dx, nil, nil] }
    let both = at[0].record(RowNormalisationParameters(rows: rows), moments, g)
    return [dx, both[0, 0..<1].reshaped(at[1].shape), both[0, 1..<2].reshaped(at[2].shape)]
  }
}

struct RowNormalisationBackward: Terminal {
  let rows: RowNorm
  func forward(_ x: Operands, into y: View) {
    Normalisation.backward(x[0], rows, moments: x[1], gain: x[2], x[3], into: y)
  }
}

struct RowNormalisationParameters: Terminal {
  let rows: RowNorm
  func shape(_ x: [Shape]) -> Shape { [2, rows.groups * rows.channels] }
  func forward(_ x: Operands, into y: View) {
    Normalisation.parameters(x[0], rows, moments: x[1], x[2], into: y)
  }
}

/// Each row to mean 0 and variance 1 over the last axis, then scaled and shifted (Ba et al. 2016): scale and shift `[n]`.
public func layerNorm(_ x: Variable, scale: Variable, shift: Variable, epsilon: Float = 1e-5) -> Variable {
  let n = x.shape[x.shape.rank - 1]
  precondition(scale.shape == [n] && shift.shape == [n], "\(scale.shape), \(shift.shape) for rows of \(n)")
  let operation = RowNormalisation(rows: RowNorm(channels: n), epsilon: epsilon)
  return x.contiguous().record(operation, scale.contiguous(), shift.contiguous())
}

/// Groups of channels of each item to mean 0 and variance 1, then scaled and shifted per channel (Wu & He 2018): x
/// `[rows, channels, …]`, scale and shift `[channels]`. As many groups as channels is instance normalisation.
public func groupNorm(
  _ x: Variable, groups: Int, scale: Variable, shift: Variable, epsilon: Float = 1e-5
) -> Variable {
  precondition(x.shape.rank >= 2 && x.shape[1] % groups == 0, "\(groups) groups of channels of \(x.shape)")
  let channels = x.shape[1]
  let spatial = x.shape.size / Swift.max(x.shape[0] * channels, 1)
  let rows = RowNorm(groups: groups, channels: channels / groups, spatial: spatial)
  return x.contiguous().record(
    RowNormalisation(rows: rows, epsilon: epsilon), scale.contiguous(), shift.contiguous())
}
