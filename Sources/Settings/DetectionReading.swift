import Detection
import Pipeline
import Wire

/// Keys of `detection` and `retrain`.
enum DetectionReading {
  static func read(
    _ section: ConfigSection, _ detection: inout DetectionSettings, _ adaptivity: inout Adaptivity
  ) {
    section.choice("adaptivity", &adaptivity)
    section.section("collecting") {
      $0.integer("early_rows", &detection.collecting.earlyRows, 0...1_000_000)
      $0.integer("rows", &detection.collecting.rows, 32...1_000_000)
      $0.integer("maximum_rows", &detection.collecting.maximumRows, 32...10_000_000)
    }
    section.clock("time_zone", &detection.clock)
    section.choice("missing", &detection.missing)
    section.integer("previous_for", &detection.previousFor, 1...1000)
    section.duration("lateness", &detection.lateness, 0...604_800)
    section.integer("window", &detection.window, 2...64)
    number(section, "squash_beyond", &detection.squashBeyond, 2...16)
    section.section("autoencoder") {
      $0.flag("enabled", &detection.autoencoder.enabled)
      $0.integer("epochs", &detection.autoencoder.epochs, 1...10_000)
    }
    section.section("rbm") {
      $0.flag("enabled", &detection.rbm.enabled)
      $0.integer("epochs", &detection.rbm.epochs, 1...10_000)
      $0.integer("hidden", &detection.rbm.hidden, 1...4096, absence: "auto")
    }
    section.section("models") {
      models($0, "names", &detection.models.names)
      $0.integer("epochs", &detection.models.epochs, 1...10_000)
    }
    section.section("companions") { companions($0, "names", &detection.companions.names) }
    section.section("calibration") {
      $0.share("held_out_share", &detection.calibration.heldOutShare, 0.05...0.5)
      $0.integer("fresh_rows", &detection.calibration.freshRows, 0...1_000_000)
      number($0, "step", &detection.calibration.step, 0.001...0.1)
    }
    section.section("alerts") {
      $0.number("open", &detection.alerts.open, 0...100)
      $0.integer("open_after", &detection.alerts.openAfter, 1...32)
      $0.integer("open_within", &detection.alerts.openWithin, 1...32)
      $0.number("open_at_once", &detection.alerts.openAtOnce, 0...100)
      $0.number("close", &detection.alerts.close, 0...100)
      $0.integer("close_after", &detection.alerts.closeAfter, 1...1_000_000)
      $0.duration("for", &detection.alerts.lasting, 0...86_400)
      $0.duration("keep_firing_for", &detection.alerts.keepFiring, 0...604_800)
      $0.duration("cooldown", &detection.alerts.cooldown, 0...604_800)
      $0.integer("flap_after", &detection.alerts.flapAfter, 0...16)
      $0.duration("flap_within", &detection.alerts.flapWithin, 0...604_800)
      $0.integer("update_every", &detection.alerts.updateEvery, 1...1_000_000_000)
      $0.integer("features", &detection.alerts.features, 1...64)
      $0.number("budget", &detection.alerts.budget, 0.001...1e9, absence: "none")
    }
    section.section("silence") { silence($0, &detection.silence) }
  }

  private static func silence(_ section: ConfigSection, _ silence: inout DetectionSettings.Silence) {
    section.number("after", &silence.after, 0...1e6)
    section.duration("least", &silence.least, 0...604_800)
  }

  /// Companions by name, `none`, or `all` for those that are on when nothing is said.
  private static func companions(
    _ section: ConfigSection, _ key: String, _ names: inout [DetectorName]
  ) {
    var texts = names.map(\.rawValue)
    section.texts(key, &texts)
    names = []
    for text in texts where text != "none" {
      if text == "all" {
        names += DetectorName.usualCompanions.filter { !names.contains($0) }
        continue
      }
      guard let name = DetectorName(rawValue: text), name.isCompanion else {
        let known = ["all", "none"] + DetectorName.companions.map(\.rawValue)
        section.report(
          key, "names \"\(text.prefix(80))\", which is no companion\(NearestName.hint(text, among: known))")
        continue
      }
      if !names.contains(name) { names.append(name) }
    }
  }

  /// Members of the suite by name.
  private static func models(_ section: ConfigSection, _ key: String, _ names: inout [DetectorName]) {
    var texts = names.map(\.rawValue)
    section.texts(key, &texts)
    names = []
    for text in texts where text != "none" {
      guard let name = DetectorName(rawValue: text) else {
        let known = DetectorName.all.map(\.rawValue)
        section.report(
          key,
          "names \"\(text.prefix(80))\", which the suite does not have\(NearestName.hint(text, among: known))"
        )
        continue
      }
      if !names.contains(name) { names.append(name) }
    }
  }

  /// Streams that are scored in another way.
  static func readExceptions(
    _ root: ConfigSection, _ detection: DetectionSettings, _ exceptions: inout [StreamException]
  ) {
    var read: [StreamException] = []
    root.sections("streams") {
      var match: [String] = []
      $0.texts("match", &match)
      if match.isEmpty { $0.report("match", "is missing: give the names of streams, * for any letters") }
      var names = detection.models.names
      models($0, "models", &names)
      var missing = detection.missing
      $0.choice("missing", &missing)
      if $0.has("missing"), missing == .model, !detection.rbm.enabled {
        $0.report("missing", "is model, which takes the RBM: enable detection.rbm")
      }
      read.append(StreamException(match: Globs(match), models: names, missing: missing))
      if names.count > DetectorName.mostModels {
        $0.report("models", "has more than \(DetectorName.mostModels)")
      }
    }
    exceptions = read
  }

  /// One section for both: when a detector asks for a training, and what training may cost.
  static func readRetraining(
    _ section: ConfigSection, _ detection: inout DetectionSettings, _ retrain: inout RetrainSettings
  ) {
    section.duration("every", &detection.retraining.every, 0...31_536_000)
    retrain.every = detection.retraining.every
    section.number("growth", &detection.retraining.growth, 0...1000)
    section.number("drift", &detection.retraining.drift, 0...1000)
    retrain.onDrift = detection.retraining.drift > 0
    section.integer("drift_after", &detection.retraining.driftAfter, 1...1_000_000_000)
    section.integer("spacing", &detection.retraining.spacing, 1...1_000_000_000)
    section.duration("new_normal", &detection.newNormal, 0...31_536_000)
    section.share("budget", &retrain.budget, 0.01...1)
    section.duration("burst", &retrain.burst, 0...86_400)
    section.integer("history_rows", &retrain.historyRows, 192...10_000_000)
    section.integer("pooled_from", &retrain.pooledFrom, 2...10_000_000)
  }

  private static func number(
    _ section: ConfigSection, _ key: String, _ value: inout Float, _ range: ClosedRange<Double>
  ) {
    // The shortest decimal form, so that 0.01 stays 0.01.
    var wide = Double(value.description) ?? Double(value)
    section.number(key, &wide, range)
    value = Float(wide)
  }

  /// What depends on more than one key.
  static func check(_ root: ConfigSection, _ detection: DetectionSettings) {
    for problem in detection.problems {
      let key = problem.key
      if key == "new_normal" {
        root.report("retrain.new_normal", problem.message)
      } else if key.hasPrefix("retraining.") {
        root.report("retrain.\(key.dropFirst("retraining.".count))", problem.message)
      } else {
        root.report("detection.\(key)", problem.message)
      }
    }
  }
}
