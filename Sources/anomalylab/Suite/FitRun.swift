import Control
import Datasets
import Foundation
import Generative
import Networks

/// A fit from its begin, or from where it was interrupted, to files.
struct FitRun {
  private let entry: Catalogue.Entry
  private let records: Records
  private let options: FitOptions
  private let out: String
  private var card: ModelCard
  var timeLimit: Double?
  var screen = TrainingScreen()

  init(
    _ entry: Catalogue.Entry, _ records: Records, _ options: FitOptions, reading: RowReading, out: String
  ) {
    self.entry = entry
    self.records = records
    self.options = options
    self.out = out
    card = ModelCard(
      model: entry.name, reading: reading, seed: options.seed, settings: options.settings,
      epochs: options.epochs, rows: records.count, fingerprint: records.fingerprint)
  }

  private var checkpoint: String { out + ".checkpoint" }
  /// Where the training curve goes.
  private var picture: String { (out.hasSuffix(".anom") ? String(out.dropLast(5)) : out) + ".svg" }

  /// - Parameter data: the name of the file, for messages.
  mutating func run(resuming: Bool, data: String) throws {
    let fit: any Fit
    do throws(FitError) {
      fit = try entry.begin(records, options)
    } catch {
      throw Failure(error, model: entry.name, data: data)
    }
    if resuming { try resume(fit) }
    let keeper = CheckpointKeeper(card, path: checkpoint)
    let began = ContinuousClock.now
    var surroundings = FitSurroundings()
    surroundings.now = { (ContinuousClock.now - began).inSeconds }
    surroundings.timeLimit = timeLimit
    surroundings.shouldStop = { Interruption.isWanted || keeper.failure != nil }
    surroundings.checkpoint = { keeper.keep($0) }
    let screen = screen
    surroundings.observer = { progress in
      keeper.note(progress)
      screen.show(progress)
    }
    do throws(FitError) {
      card.end = try fit.run(surroundings)
    } catch .stopped {
      card.end = .stopped
    } catch {
      // What was good before is kept.
      if let model = try? fit.model() { try write(model, keeper) }
      throw Failure(error, model: entry.name, data: data)
    }
    if let failure = keeper.failure { throw failure }
    try end(fit, keeper, seconds: (ContinuousClock.now - began).inSeconds)
  }

  private mutating func resume(_ fit: any Fit) throws(Failure) {
    guard FileManager.default.fileExists(atPath: checkpoint) else {
      throw Failure(
        .input, what: checkpoint, why: "is not there, so there is nothing to go on from",
        remedy: "leave --resume out: a fit that ended by itself leaves nothing to go on from")
    }
    let (_, kept, bytes) = try ModelFile.read(checkpoint)
    guard let kept else {
      throw Failure(.data, what: checkpoint, why: "is no checkpoint of a fit", remedy: "leave --resume out")
    }
    func differs(_ what: String, _ before: String, _ now: String) -> Failure {
      Failure(
        .usage, what: checkpoint, why: "was begun with \(what) \(before), not \(now)",
        remedy: "give the options of its begin, or leave --resume out")
    }
    func words(_ settings: [String: String]) -> String {
      settings.isEmpty
        ? "none" : settings.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ")
    }
    guard kept.model == card.model else { throw differs("the model", kept.model, card.model) }
    guard kept.seed == card.seed else { throw differs("the seed", "\(kept.seed)", "\(card.seed)") }
    guard kept.settings == card.settings else {
      throw differs("the settings", words(kept.settings), words(card.settings))
    }
    guard kept.epochs == card.epochs else {
      throw differs(
        "--epochs", kept.epochs.map(String.init) ?? "left out", card.epochs.map(String.init) ?? "left out")
    }
    guard kept.fingerprint == card.fingerprint, kept.rows == card.rows, kept.reading == card.reading else {
      throw differs("other rows,", "\(kept.rows) of them", "these \(card.rows)")
    }
    do throws(WeightsError) {
      try fit.restore(bytes)
    } catch {
      throw Failure(.data, what: checkpoint, why: "\(error)", remedy: "leave --resume out to begin anew")
    }
    card.curve = kept.curve
  }

  private func write(_ model: any TrainedModel, _ keeper: CheckpointKeeper) throws(Failure) {
    var card = card
    let own = (model as? any TrainingCurveKeeping)?.curve ?? []
    card.curve = own.isEmpty ? keeper.card.curve : []
    try ModelFile.write(model.encode(), card, to: out)
    let curve = own.isEmpty ? card.curve : own
    guard !curve.isEmpty else { return }
    do throws(DataError) {
      try TrainingCurve(curve, unit: model.scoreUnit).chart(title: "\(entry.name): training").write(
        to: picture)
    } catch {
      throw Failure(error)
    }
  }

  private func end(_ fit: any Fit, _ keeper: CheckpointKeeper, seconds: Double) throws(Failure) {
    let isUnfinished = card.end == .stopped || card.end == .timeLimit
    var hasCheckpoint = false
    if isUnfinished {
      let bytes = fit.encode()
      // A member that is fitted in one go has nothing to go on from.
      if !bytes.isEmpty {
        keeper.keep(bytes)
        if let failure = keeper.failure { throw failure }
        hasCheckpoint = true
      }
    } else {
      try? FileManager.default.removeItem(atPath: checkpoint)
    }
    let model: (any TrainedModel)?
    do throws(FitError) {
      model = try fit.model()
    } catch {
      guard isUnfinished else { throw Failure(error, model: entry.name, data: "the fit") }
      model = nil
    }
    if let model { try write(model, keeper) }
    let result = FitResult(
      model: entry.name, rows: records.count, width: records.matrix.columns, end: card.end ?? .finished,
      seconds: seconds, out: model == nil ? nil : out, checkpoint: hasCheckpoint ? checkpoint : nil)
    Output.line(screen.isTerminal ? result.text : try result.json())
    if card.end == .stopped {
      throw Failure(
        .temporary, what: "fit", why: "was interrupted",
        remedy: hasCheckpoint ? "the same command with --resume goes on" : "begin again")
    }
  }
}

/// What is kept while a fit runs.
private final class CheckpointKeeper {
  private(set) var card: ModelCard
  private let path: String
  /// Of the last try to write.
  private(set) var failure: Failure?

  init(_ card: ModelCard, path: String) {
    self.card = card
    self.path = path
  }

  func keep(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    do throws(Failure) { try ModelFile.write(bytes, card, to: path) } catch { failure = error }
  }

  /// A point of the curve; a report that was broken off is none.
  func note(_ progress: TrainingProgress) {
    guard progress.end != .stopped, progress.end != .timeLimit, progress.step > (card.curve.last?.step ?? 0)
    else { return }
    card.curve.append(
      CurvePoint(step: progress.step, loss: progress.loss, heldOutLoss: progress.heldOutLoss))
  }
}

/// How a fit went.
struct FitResult: Encodable {
  var model: String
  var rows: Int
  var width: Int
  var end: TrainingEnd
  var seconds: Double
  /// Nil when there is no usable model yet.
  var out: String?
  /// Nil when nothing is left to do.
  var checkpoint: String?

  var text: String {
    let kept = out.map { "the model is in \($0)" } ?? "there is no usable model yet"
    return "\(model) on \(Readable.count(rows)) rows of \(Readable.count(width)): \(end.rawValue) after "
      + "\(Readable.span(seconds: seconds)); \(kept)"
  }

  func json() throws(Failure) -> String { try JSONLine.text(self) }
}

extension Failure {
  init(_ error: FitError, model: String, data: String) {
    switch error {
    case .setting:
      self.init(.usage, what: "--set", why: "\(error)", remedy: "see anomalylab models \(model)")
    case .diverged:
      self.init(
        .software, what: model, why: "\(error)",
        remedy: "what was good before is kept; try --set rate=0.0003 or --set clip=1")
    case .stopped:
      self.init(.temporary, what: model, why: "\(error)", remedy: "let it run longer")
    case .unsuitable:
      self.init(.data, what: data, why: "\(error)", remedy: "see anomalylab models for others")
    case .notEnoughRows, .notFinite:
      self.init(.data, what: data, why: "\(error)", remedy: "give other rows")
    }
  }
}

extension Records {
  /// A sum by which the same rows are known again (FNV-1a over the numbers).
  var fingerprint: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ bits: UInt64) { hash = (hash ^ bits) &* 0x100_0000_01b3 }
    for extent in form.shape { add(UInt64(extent)) }
    for value in matrix.values { add(UInt64(value.bitPattern)) }
    for value in matrix.mask ?? [] { add(UInt64(value.bitPattern)) }
    for label in labels ?? [] { add(UInt64(label)) }
    return hash
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }
}
