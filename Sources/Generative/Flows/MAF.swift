public import Gradients
import Tensors

/// A masked autoregressive flow (Papamakarios et al. 2017): `z_i = (x_i - μ_i(x_<i)) e^-α_i(x_<i)` for all columns in one pass, and the
/// order of the columns turned round after every layer. Between layers stand activation normalisations instead of the paper's batch
/// normalisations, so that a row's density does not hang on the batch that it came in.
public struct MAF: FlowDesign {
  public static let name = "maf"
  public let flow: Flow

  public init(_ settings: AffineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    let steps = (0..<settings.layers).flatMap { layer -> [any Bijection] in
      [
        MaskedAutoregressive(
          "\(layer)", width: width, classes: form.classes, Standardisation(bound: settings.bound), settings,
          in: &scope),
        ActNorm("\(layer).norm", width: width, in: &scope), Permutation.reversal(width),
      ]
    }
    flow = Flow(form, settings, steps)
  }
}
