extension Bars {
  static let boltzmann: [Bar] = []
}
