public import Gradients
import Tensors

/// Glow (Kingma & Dhariwal 2018) for rows: each step normalises the columns, mixes them by an invertible matrix and lets one half scale
/// and shift the other. The columns of a row are to it what the channels of a picture are to the paper's.
public struct Glow: FlowDesign {
  public static let name = "glow"
  public let flow: Flow

  public init(_ settings: AffineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    let steps = (0..<settings.layers).flatMap { layer -> [any Bijection] in
      [
        ActNorm("\(layer).norm", width: width, in: &scope),
        LULinear("\(layer).mixing", width: width, in: &scope),
        Coupling(
          "\(layer).coupling", width: width, classes: form.classes, changesFirst: false,
          ScaleAndShift(bound: settings.bound), settings, in: &scope),
      ]
    }
    flow = Flow(form, settings, steps)
  }
}
