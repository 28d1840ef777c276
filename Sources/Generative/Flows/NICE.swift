public import Gradients
import Tensors

/// What can be chosen about NICE.
public struct NICESettings: FlowSettings {
  /// The independent distributions that z has.
  public enum Prior: String, Codable, Sendable {
    case gaussian, logistic
    /// Uniform over intervals of learned lengths, blurred by logistic variables.
    case flat
  }
  public var layers = 4
  public var hidden = 48
  public var depth = 2
  public var dropout: Float = 0
  public var noise: Float = 0
  public var prior = Prior.gaussian

  public init() {}
  public func check() throws(FitError) { try checkCommon() }
}

/// Non-linear independent components estimation (Dinh et al. 2014): halves of a row shift each other in turn, which leaves volumes as
/// they are, and at the end every column is scaled. Its distribution of densities is thus that of the prior, up to the scale.
public struct NICE: FlowDesign {
  public static let name = "nice"
  public let flow: Flow

  public init(_ settings: NICESettings, form: RowForm, in scope: inout ParameterScope) throws(FitError) {
    let width = form.width
    var steps: [any Bijection] = []
    for layer in 0..<settings.layers {
      steps.append(
        Coupling(
          "\(layer)", width: width, classes: form.classes, changesFirst: layer % 2 == 1, Shift(), settings,
          in: &scope))
      if width > 2, layer % 2 == 1 { steps.append(Permutation.shuffle(width, layer: layer)) }
    }
    steps.append(Scaling("scaling", width: width, in: &scope))
    let base: BaseDensity =
      switch settings.prior {
      case .gaussian: .gaussian
      case .logistic: .logistic
      case .flat: .flat(halfLength: scope.parameter("halfLength", [width], repeating: 1))
      }
    flow = Flow(form, settings, base: base, steps)
  }
}
