extension Catalogue {
  static let flows: [Entry] = []
}
