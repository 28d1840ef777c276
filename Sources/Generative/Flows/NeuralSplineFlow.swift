public import Gradients
import Tensors

/// A neural spline flow with couplings (Durkan et al. 2019): the columns are mixed by an invertible matrix, and one half chooses
/// rational-quadratic splines for the other.
public struct NeuralSplineCoupling: FlowDesign {
  public static let name = "nsf-coupling"
  public let flow: Flow

  public init(_ settings: SplineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    let spline = RationalQuadraticSpline(bins: settings.bins, tail: settings.tail)
    let steps = (0..<settings.layers).flatMap { layer -> [any Bijection] in
      [
        LULinear("\(layer).mixing", width: width, in: &scope),
        Coupling(
          "\(layer).coupling", width: width, classes: form.classes, changesFirst: layer % 2 == 1, spline,
          settings, in: &scope),
      ]
    }
    flow = Flow(form, settings, steps + [LULinear("last.mixing", width: width, in: &scope)])
  }
}

/// A neural spline flow with autoregressive layers: the spline of every column is chosen by those before it.
public struct NeuralSplineAutoregressive: FlowDesign {
  public static let name = "nsf-autoregressive"
  public let flow: Flow

  public init(_ settings: SplineFlowSettings, form: RowForm, in scope: inout ParameterScope) throws(FitError)
  {
    let width = form.width
    let spline = RationalQuadraticSpline(bins: settings.bins, tail: settings.tail)
    let steps = (0..<settings.layers).flatMap { layer -> [any Bijection] in
      [
        LULinear("\(layer).mixing", width: width, in: &scope),
        MaskedAutoregressive(
          "\(layer).columns", width: width, classes: form.classes, spline, settings, in: &scope),
      ]
    }
    flow = Flow(form, settings, steps + [LULinear("last.mixing", width: width, in: &scope)])
  }
}
