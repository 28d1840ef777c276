public import Gradients
import Tensors

/// Real-valued non-volume-preserving transformations (Dinh et al. 2017): halves of a row scale and shift each other in turn. After
/// every two layers the columns are halved otherwise. Normalised by no batch, unlike the paper's: rows of columns are standardised.
public struct RealNVP: FlowDesign {
  public static let name = "realnvp"
  public let flow: Flow

  public init(_ settings: AffineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    var steps: [any Bijection] = []
    for layer in 0..<settings.layers {
      steps.append(
        Coupling(
          "\(layer)", width: width, classes: form.classes, changesFirst: layer % 2 == 1,
          ScaleAndShift(bound: settings.bound), settings, in: &scope))
      if width > 2, layer % 2 == 1 { steps.append(Permutation.shuffle(width, layer: layer)) }
    }
    flow = Flow(form, settings, steps)
  }
}
