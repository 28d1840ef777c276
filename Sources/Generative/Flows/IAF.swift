public import Gradients
import Tensors

/// An inverse autoregressive flow (Kingma et al. 2016) as a density: `x_i = z_i e^α_i(z_<i) + μ_i(z_<i)`. A row is drawn in one pass of
/// every layer. For its likelihood, which is exact, the noise is found column after column, `z_i = (x_i - μ_i(z_<i)) e^-α_i(z_<i)`: a
/// pass in as many parts as there are columns, through which the gradient flows too. Hence not for wide rows.
public struct IAF: FlowDesign {
  public static let name = "iaf"
  public let flow: Flow
  static let mostColumns = 256

  public init(_ settings: AffineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    guard width <= Self.mostColumns else {
      throw .unsuitable(
        "rows of \(width) numbers: iaf finds a likelihood number after number and takes at most "
          + "\(Self.mostColumns); maf does the same in one pass")
    }
    let steps = (0..<settings.layers).flatMap { layer -> [any Bijection] in
      [
        Permutation.reversal(width),
        InverseAutoregressive(
          "\(layer)", width: width, classes: form.classes, Standardisation(bound: settings.bound), settings,
          in: &scope), ActNorm("\(layer).norm", width: width, in: &scope),
      ]
    }
    flow = Flow(form, settings, steps)
  }
}
