import Foundation
import Networks
import Tensors
import Testing

@testable import Generative

/// What a model's file says of its settings.
@Suite struct ModelDescriptionTests {
  private static func fitted(_ settings: [String: String]) throws -> NetworkModel<VAE> {
    let entry = try #require(Catalogue.entry(named: "vae"))
    let options = FitOptions(seed: 1, settings: settings, epochs: 2)
    return try #require(try entry.fit(LawForm.reals.records(40, seed: 1), options) as? NetworkModel<VAE>)
  }

  /// The file with its description changed.
  private func changed(
    _ bytes: [UInt8], _ change: (inout [String: Any]) -> Void
  ) throws -> [UInt8] {
    let file = try Weights(decoding: bytes)
    let text = try file.text("description")
    var description = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    change(&description)
    let new = try JSONSerialization.data(withJSONObject: description)
    return Weights(
      file.tensors,
      metadata: file.metadata.merging(["description": String(decoding: new, as: UTF8.self)]) { $1 }
    ).encode()
  }

  @Test func `a file from before a setting existed has the setting's default`() throws {
    let model = try Self.fitted(["hidden": "5", "code": "2", "decay": "0.5"])
    let old = try changed(model.encode()) { description in
      for (part, names) in [("settings", ["samples", "linear"]), ("training", ["decay", "clip"])] {
        var fields = description[part] as? [String: Any] ?? [:]
        for name in names { #expect(fields.removeValue(forKey: name) != nil) }
        description[part] = fields
      }
    }
    let read = try NetworkModel<VAE>(decoding: old)
    #expect(read.settings == model.settings && read.settings.hidden == [5])
    #expect(read.training.decay == 0 && read.training.epochs == model.training.epochs)
    #expect(read.sample(count: 3, seed: 1) == model.sample(count: 3, seed: 1))
  }

  @Test func `a setting of another kind is refused`() throws {
    let bytes = try changed(Self.fitted([:]).encode()) { description in
      var fields = description["settings"] as? [String: Any] ?? [:]
      fields["code"] = "two"
      description["settings"] = fields
    }
    #expect(throws: WeightsError.self) { try NetworkModel<VAE>(decoding: bytes) }
  }

  @Test func `own and shared settings are one list, typed by name`() throws {
    let names = Set(VAESettings().descriptions.map(\.name))
    #expect(names == ["hidden", "code", "likelihood", "linear", "samples"])
    var settings = VAESettings()
    #expect(try settings.take(["samples": "3", "code": "7", "other": "1"]) == ["samples", "code"])
    #expect(settings.own.samples == 3 && settings.shared.code == 7)
    #expect(throws: FitError.self) { try settings.take(["samples": "0"]) }
    #expect(throws: FitError.self) { try settings.take(["likelihood": "poisson"]) }
  }
}
