extension Bars {
  static let latent: [Bar] = []
}
