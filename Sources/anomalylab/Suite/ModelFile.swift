import Control
import Datasets
import Evaluation
import Foundation
import Generative
import Networks

/// What a model file says besides the model: how it came about and how to read rows for it.
struct ModelCard: Codable, Equatable {
  var version = 1
  var model: String
  var reading: RowReading
  var seed: UInt64
  /// The settings that were typed.
  var settings: [String: String]
  var epochs: Int?
  /// Rows learned from, and a sum over their numbers by which they are known again.
  var rows: Int
  var fingerprint: UInt64
  var end: TrainingEnd?
  /// Of a training whose model keeps no curve itself.
  var curve: [CurvePoint] = []
}

/// A fitted model in a file: its own safetensors, and a ``ModelCard`` among their words.
struct ModelFile {
  let path: String
  let bytes: Int
  let model: any TrainedModel
  let entry: Catalogue.Entry
  let weights: Weights
  /// Nil for a file that somebody else wrote.
  let card: ModelCard?

  private static let key = "card"

  /// - Throws: ``Failure`` for a file that is not there or holds no member of the suite.
  init(_ path: String) throws(Failure) {
    self.path = path
    let (weights, card, bytes) = try Self.read(path)
    self.weights = weights
    self.card = card
    self.bytes = bytes.count
    do {
      model = try Catalogue.decode(bytes)
    } catch {
      throw Failure(.data, what: path, why: "\(error)", remedy: "fit it again with anomalylab fit")
    }
    let name = type(of: model).catalogueName
    guard let entry = Catalogue.entry(named: name) else {
      throw Failure(.data, what: path, why: "the suite has no model \(name)", remedy: "see anomalylab models")
    }
    self.entry = entry
  }

  static func read(_ path: String) throws(Failure) -> (Weights, ModelCard?, [UInt8]) {
    let bytes: [UInt8]
    do throws(DataError) {
      bytes = try FileBytes.read(path)
    } catch {
      throw Failure(error)
    }
    do {
      let weights = try Weights(decoding: bytes)
      let card = try weights.metadata[key].map {
        try JSONDecoder().decode(ModelCard.self, from: Data($0.utf8))
      }
      if let card, card.version != 1 {
        throw Failure(
          .data, what: path, why: "is of version \(card.version), not 1", remedy: "use a newer anomalylab")
      }
      return (weights, card, bytes)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .data, what: path, why: "is no model of the suite (\(error))", remedy: "fit one with anomalylab fit")
    }
  }

  /// Writes what a model or a checkpoint encodes to, with the card, whole or not at all.
  static func write(_ encoded: [UInt8], _ card: ModelCard, to path: String) throws(Failure) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      let weights = try Weights(decoding: encoded)
      let text = String(decoding: try encoder.encode(card), as: UTF8.self)
      let bytes = Weights(weights.tensors, metadata: weights.metadata.merging([key: text]) { $1 }).encode()
      try FileBytes.write(bytes, to: path)
    } catch let error as DataError {
      throw Failure(error)
    } catch {
      throw Failure(.software, what: path, why: "\(error)", remedy: "please report it")
    }
  }

  /// How rows are read for it.
  var reading: RowReading {
    if let card { return card.reading }
    let form = (model as? any FormKeeping)?.form
    return RowReading(form: form ?? RowForm(shape: [model.width], support: .real))
  }

  var curve: [CurvePoint] {
    let own = (model as? any TrainingCurveKeeping)?.curve ?? []
    return own.isEmpty ? card?.curve ?? [] : own
  }

  /// Rows as a model's likelihoods want them: grey values are made bits, once, by seed, for a model that sees bits.
  func asSeen(_ records: Records, by model: any TrainedModel, seed: UInt64) -> Records {
    let seen = (model as? any FormKeeping)?.seenForm.support ?? reading.form.support
    guard seen == .binary, reading.form.support != .real,
      records.matrix.values.contains(where: { $0 != 0 && $0 != 1 })
    else { return records }
    return records.binarised(seed: seed)
  }

  /// What the model lacks to do what was asked, as an error.
  func lacking(_ what: String, _ capability: Catalogue.Capabilities) -> Failure {
    let able = Catalogue.all.filter { $0.capabilities.contains(capability) }.map(\.name)
    return Failure(
      .usage, what: path, why: "the \(entry.name) \(what)",
      remedy: "of the suite \(able.isEmpty ? "none does" : able.joined(separator: ", ") + " can")")
  }
}

extension Catalogue {
  /// The member of this name.
  static func member(_ name: String) throws(Failure) -> Entry {
    if let entry = entry(named: name) { return entry }
    let nearest = all.map(\.name).filter { $0.contains(name) || name.contains($0) }
    throw Failure(
      .usage, what: name, why: "is no model of the suite",
      remedy: nearest.isEmpty
        ? "see anomalylab models" : "do you mean \(nearest.joined(separator: " or "))? see anomalylab models")
  }
}
