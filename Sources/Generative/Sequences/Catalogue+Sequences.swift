extension Catalogue {
  static let sequences: [Entry] = [
    .network(
      RecurrentSequence<GatedCell>.self, family: "sequences",
      "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder (GRU)"),
    .network(
      RecurrentSequence<LongMemoryCell>.self, family: "sequences",
      "Hochreiter & Schmidhuber 1997, Long short-term memory; Graves 2013, Generating sequences with RNNs"),
  ]
}
