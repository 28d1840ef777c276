extension Bars {
  static let autoregressive: [Bar] = []
}
