import FoundationEssentials
import Networks

/// What a model's file says of it besides numbers.
struct ModelDescription<Settings: ModelSettings>: Codable {
  var version = 1
  var settings: Settings
  var training: TrainingSettings
  /// The form of rows as they are given, and as the network is shown them.
  var given: RowForm
  var form: RowForm
  var curve: [CurvePoint]

  private enum CodingKeys: String, CodingKey { case version, settings, training, given, form, curve }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    version = try container.decode(Int.self, forKey: .version)
    settings = try Settings(completing: container.superDecoder(forKey: .settings))
    training = try TrainingSettings(completing: container.superDecoder(forKey: .training))
    given = try container.decode(RowForm.self, forKey: .given)
    form = try container.decode(RowForm.self, forKey: .form)
    curve = try container.decode([CurvePoint].self, forKey: .curve)
  }

  init(settings: Settings, training: TrainingSettings, given: RowForm, form: RowForm, curve: [CurvePoint]) {
    self.settings = settings
    self.training = training
    self.given = given
    self.form = form
    self.curve = curve
  }

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Plain values that were checked to be finite always encode.
    return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
  }

  init(_ text: String) throws(WeightsError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
    } catch {
      throw .malformed("the description of the model is not what it should be")
    }
    guard version == 1 else { throw .wrongValue("a model file of version \(version), not 1") }
    for form in [given, form] {
      guard !form.shape.isEmpty, form.shape.count <= 4, form.shape.allSatisfy({ $0 > 0 && $0 <= 1 << 24 }),
        form.shape.reduce(1.0, { $0 * Double($1) }) <= Double(1 << 24), (0...65536).contains(form.classes)
      else { throw .wrongValue("rows of the shape \(form.shape) with \(form.classes) classes") }
    }
  }
}
