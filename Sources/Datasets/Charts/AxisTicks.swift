import Glibc

/// Round numbers along an axis: 1, 2 or 5 times a power of ten apart.
public struct AxisTicks: Sendable, Equatable {
  /// A place on the axis with what is written there.
  public struct Tick: Sendable, Equatable {
    public var value: Double
    public var text: String
  }

  public var ticks: [Tick]
  /// What the axis shows: at least the range that was asked for, widened to ticks.
  public var low: Double
  public var high: Double

  /// - Parameters:
  ///   - first: finite, as is `last`; a point is widened.
  ///   - last: the other end.
  ///   - most: how many ticks there is room for.
  public init(from first: Double, to last: Double, most: Int = 7) {
    var (first, last) = (min(first, last), max(first, last))
    let size = max(abs(first), abs(last))
    if last - first <= size * 1e-12 {
      let half = size > 0 ? size * 0.5 : 1
      (first, last) = (first - half, last + half)
    }
    let step = Self.step(atLeast: (last / Double(max(most - 1, 1)) - first / Double(max(most - 1, 1))))
    let (from, to) = ((first / step).rounded(.down), (last / step).rounded(.up))
    (low, high) = (from * step, to * step)
    let decimals = max(0, -Int(log10(step).rounded(.down)))
    let isLarge = max(abs(low), abs(high)) >= 1e6 || step < 1e-4
    ticks = []
    var place = from
    while place <= to, ticks.count <= 2 * most {
      let value = place * step
      ticks.append(Tick(value: value, text: isLarge ? Self.scientific(value) : Self.fixed(value, decimals)))
      place += 1
    }
  }

  /// Powers of ten, and where there are few of them 2 and 5 times them too.
  ///
  /// - Parameter first: more than 0, as `last`.
  public init(logarithmicFrom first: Double, to last: Double, most: Int = 7) {
    let (from, to) = (log10(first).rounded(.down), log10(last).rounded(.up))
    let decades = max(to - from, 1)
    low = pow(10, from)
    high = pow(10, from + decades)
    ticks = []
    if decades <= 3 {
      for decade in 0..<Int(decades) {
        for factor in [1.0, 2, 5] { ticks.append(Self.decimal(factor, from + Double(decade))) }
      }
      ticks.append(Self.decimal(1, to > from ? to : from + 1))
      // No wider than what is asked for by more than one tick.
      low = ticks.last { $0.value <= first }?.value ?? low
      high = ticks.first { $0.value >= last && $0.value > low }?.value ?? high
      ticks = ticks.filter { $0.value >= low && $0.value <= high }
      return
    }
    let every = max(1, (decades / Double(max(most - 1, 1))).rounded(.up))
    var decade = from
    while decade <= from + decades {
      ticks.append(Self.decimal(1, decade))
      decade += every
    }
  }

  /// 1, 2 or 5 times a power of ten.
  static func step(atLeast least: Double) -> Double {
    let power = pow(10, log10(max(least, .leastNormalMagnitude)).rounded(.down))
    for factor in [1.0, 2, 5] where factor * power >= least * (1 - 1e-9) { return factor * power }
    return 10 * power
  }

  private static func decimal(_ factor: Double, _ power: Double) -> Tick {
    let value = factor * pow(10, power)
    guard power >= -3, power < 5 else { return Tick(value: value, text: scientific(value)) }
    return Tick(value: value, text: fixed(value, max(0, -Int(power))))
  }

  /// With this many decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return scientific(value) }
    let scale = pow(10, Double(decimals))
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e18 else { return scientific(value) }
    let digits = String(Int(scaled))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if decimals == 0 { return sign + digits }
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
  }

  /// `2e6`, `1.5e-7`
  static func scientific(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    var power = log10(abs(value)).rounded(.down)
    var factor = (value / pow(10, power) * 1000).rounded() / 1000
    if abs(factor) >= 10 { (factor, power) = (factor / 10, power + 1) }
    let digits = factor == factor.rounded() ? "\(Int(factor))" : "\(factor)"
    return "\(digits)e\(Int(power))"
  }
}
