/// What can be chosen about every flow.
protocol FlowSettings: ModelSettings {
  /// Layers of the flow, one after the other.
  var layers: Int { get }
  /// Units of a hidden layer of the networks that choose maps.
  var hidden: Int { get }
  /// Hidden layers of these networks.
  var depth: Int { get }
  /// The share of their hidden units that is dropped while training.
  var dropout: Float { get }
  /// The deviation of normal noise on the rows while training, in deviations of a column.
  var noise: Float { get }
}

extension FlowSettings {
  func checkCommon() throws(FitError) {
    guard (1...64).contains(layers) else { throw .setting("layers is \(layers), not 1 to 64") }
    guard (1...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 1 to 65536") }
    guard (1...8).contains(depth) else { throw .setting("depth is \(depth), not 1 to 8") }
    guard dropout >= 0, dropout < 1 else { throw .setting("dropout is \(dropout), not 0 to below 1") }
    guard noise >= 0, noise <= 1 else { throw .setting("noise is \(noise), not 0 to 1") }
  }
}

/// What can be chosen about a flow of scales and shifts.
public struct AffineFlowSettings: FlowSettings {
  public var layers = 4
  public var hidden = 48
  public var depth = 1
  public var dropout: Float = 0
  public var noise: Float = 0
  /// The largest logarithm of a scale.
  public var bound: Float = 1.5

  public init() {}
  public func check() throws(FitError) {
    try checkCommon()
    guard bound > 0, bound <= 5 else { throw .setting("bound is \(bound), not above 0 and at most 5") }
  }
}

/// What can be chosen about a flow of splines.
public struct SplineFlowSettings: FlowSettings {
  public var layers = 2
  public var hidden = 48
  public var depth = 1
  public var dropout: Float = 0
  public var noise: Float = 0
  /// Pieces of a spline.
  public var bins = 8
  /// Where the splines end and the identity begins, in deviations of a column.
  public var tail: Float = 4

  public init() {}
  public func check() throws(FitError) {
    try checkCommon()
    guard (2...128).contains(bins) else { throw .setting("bins is \(bins), not 2 to 128") }
    guard tail > 0, tail <= 100 else { throw .setting("tail is \(tail), not above 0 and at most 100") }
  }
}

extension Flow {
  /// Layers for prepared rows of a form.
  init(
    _ form: RowForm, _ settings: some FlowSettings, base: BaseDensity = .gaussian, _ steps: [any Bijection]
  ) {
    self.init(
      width: form.width, classes: form.classes, steps: steps, base: base,
      dequantisation: Dequantisation(form.support), noise: settings.noise)
  }
}
