extension Bars {
  static let markovChains: [Bar] = []
}
