import Gradients
import Tensors

/// Each column mapped as the columns before it choose: `z_i = f(x_i; x_<i)`. All columns at once towards noise, one after the other
/// back (Papamakarios et al. 2017, section 3.1).
struct MaskedAutoregressive<Map: ElementMap>: Bijection {
  let map: Map
  let conditioner: MaskedConditioner

  init(
    _ name: String, width: Int, classes: Int, _ map: Map, _ settings: some FlowSettings,
    in scope: inout ParameterScope
  ) {
    self.map = map
    conditioner = MaskedConditioner(
      name, width: width, classes: classes, parameters: map.parameters, settings, in: &scope)
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    let (z, logSlope) = map.forward(x, conditioner(x, given))
    return (z, logSlope.map { $0.sum(-1) })
  }

  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    conditioner.sequentially(rows: z.shape[0], given, on: z.tape) { column, choice in
      map.inverse(z[1, column..<column + 1], choice)
    }
  }
}

/// Each column mapped as the *noise* of the columns before it chooses: `z_i = f(x_i; z_<i)` (Kingma et al. 2016, section 3). Drawing
/// is one pass for all columns; a density goes through the columns one after the other.
struct InverseAutoregressive<Map: ElementMap>: Bijection {
  let map: Map
  let conditioner: MaskedConditioner

  init(
    _ name: String, width: Int, classes: Int, _ map: Map, _ settings: some FlowSettings,
    in scope: inout ParameterScope
  ) {
    self.map = map
    conditioner = MaskedConditioner(
      name, width: width, classes: classes, parameters: map.parameters, settings, in: &scope)
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    var slopes: [Variable] = []
    let z = conditioner.sequentially(rows: x.shape[0], given, on: x.tape) { column, choice in
      let (z, logSlope) = map.forward(x[1, column..<column + 1], choice)
      if let logSlope { slopes.append(logSlope) }
      return z
    }
    return (z, slopes.isEmpty ? nil : concatenate(slopes, axis: 1).sum(-1))
  }

  func inverse(_ z: Variable, _ given: Condition) -> Variable { map.inverse(z, conditioner(z, given)) }
}
