import Foundation
import Networks
import Testing

@testable import Generative

/// A fit that is broken off and gone on with is the same fit, to the bit: its state, and the file of its model.
@Suite struct ResumeLaws {
  /// What a fit ends as.
  struct Outcome: Equatable {
    var state: [UInt8]
    var file: [UInt8]

    init(_ fit: any Fit) throws {
      state = fit.encode()
      file = try fit.model().encode()
    }
  }

  /// The state of a fit after some steps.
  static func begun(_ entry: Catalogue.Entry, steps: Int) throws -> [UInt8] {
    let fit = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
    var surroundings = FitSurroundings()
    var asked = 0
    surroundings.shouldStop = {
      asked += 1
      return asked > steps
    }
    do {
      _ = try fit.run(surroundings)
    } catch {
      // Nothing of it is a model yet.
      guard error == .stopped else { throw error }
    }
    return fit.encode()
  }

  static func ended(_ entry: Catalogue.Entry, from state: [UInt8]) throws -> Outcome {
    let fit = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
    try fit.restore(state)
    _ = try fit.run(FitSurroundings())
    return try Outcome(fit)
  }

  @Test("a fit stopped anywhere goes on to the same bits", arguments: Catalogue.tested)
  func stopped(entry: Catalogue.Entry) throws {
    let whole = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
    var surroundings = FitSurroundings()
    surroundings.checkpointInterval = 0
    var checkpoint: [UInt8]?
    surroundings.checkpoint = { checkpoint = checkpoint ?? $0 }
    _ = try whole.run(surroundings)
    let outcome = try Outcome(whole)
    // Within a pass and between two reports; where one is given; and from what was written down on the way.
    var states = try [37, 50].map { try Self.begun(entry, steps: $0) }
    if let checkpoint { states.append(checkpoint) }
    for state in states {
      #expect(try Self.ended(entry, from: state) == outcome)
    }
  }

  @Test("the state of another member, or one cut short, is refused", arguments: Catalogue.tested)
  func refused(entry: Catalogue.Entry) throws {
    let state = try Self.begun(entry, steps: 3)
    guard !state.isEmpty else { return }
    let fit = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
    let before = fit.encode()
    #expect(throws: WeightsError.self) { try fit.restore(Array(state.dropLast(4))) }
    var changed = state
    changed[state.count - 2] ^= 0x40
    #expect(throws: WeightsError.self) { try fit.restore(changed) }
    #expect(throws: WeightsError.self) { try fit.restore([]) }
    #expect(fit.encode() == before)
  }

  /// The file by which one process hands a state to another.
  private static func file(of process: Int32, _ name: String) -> URL {
    FileManager.default.temporaryDirectory.appending(path: "anomalyd-law-\(process)-\(name).safetensors")
  }

  @Test func `every fit goes on in another process to the same bits`() async throws {
    let process = ProcessInfo.processInfo.processIdentifier
    func file(_ entry: Catalogue.Entry) -> URL { Self.file(of: process, entry.name) }
    defer { for entry in Catalogue.tested { try? FileManager.default.removeItem(at: file(entry)) } }
    for entry in Catalogue.tested {
      try Data(Self.begun(entry, steps: 37)).write(to: file(entry), options: .atomic)
    }
    await #expect(processExitsWith: .success) {
      for entry in Catalogue.tested {
        let file = ResumeLaws.file(of: getppid(), entry.name)
        let outcome = try ResumeLaws.ended(entry, from: Array(Data(contentsOf: file)))
        try Data(outcome.state + outcome.file).write(to: file, options: .atomic)
      }
    }
    for entry in Catalogue.tested {
      let whole = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
      _ = try whole.run(FitSurroundings())
      let outcome = try Outcome(whole)
      #expect(
        try Array(Data(contentsOf: file(entry))) == outcome.state + outcome.file, "\(entry.name)")
    }
  }
}
