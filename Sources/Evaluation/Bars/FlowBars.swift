extension Bars {
  static let flows: [Bar] = []
}
