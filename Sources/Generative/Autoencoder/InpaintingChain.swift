import Gradients
import Networks
import Tensors

/// Fills in what is missing with a Markov chain that keeps what is there: each round draws whole rows given the last ones, and
/// of these only the missing numbers are taken over (Rezende et al. 2014, appendix F).
struct InpaintingChain {
  /// Prepared rows; missing numbers are what they are at the begin of the chain.
  private(set) var values: [Float]
  let mask: [Float]
  let count: Int
  let labels: [Int]?
  let seed: UInt64

  static let rounds = 20

  init(values: [Float], mask: [Float], count: Int, labels: [Int]? = nil, seed: UInt64) {
    self.values = values
    self.mask = mask
    self.count = count
    self.labels = labels
    self.seed = seed
  }

  /// - Parameter transition: from rows to rows, with noise of the tape.
  mutating func run(_ buffer: ParameterBuffer, transition: (Rows) -> Variable) {
    let width = values.count / max(count, 1)
    let indices = Array(0..<count)
    for start in stride(from: 0, to: count, by: 64) {
      let part = indices[start..<min(count, start + 64)]
      // A seed of its own for each part; the rounds are the steps of the tape.
      let tape = Tape(buffer, seed: seed &+ UInt64(start) &* 0x9E37_79B9_7F4A_7C15)
      let x = tape.input([part.count, width])
      let classes = labels.map { labels in
        tape.input(Tensor(part.map { Float(labels[$0]) }, shape: [part.count]))
      }
      let next = transition(Rows(x, labels: classes)).contiguous()
      for round in 0..<Self.rounds {
        tape.assign(x, rows: part, of: values)
        tape.rerun(step: UInt64(round))
        let drawn = next.value.values
        for i in drawn.indices where mask[start * width + i] == 0 { values[start * width + i] = drawn[i] }
      }
    }
  }
}
