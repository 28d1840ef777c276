extension Catalogue {
  static let variationalAutoencoders: [Entry] = []
}
