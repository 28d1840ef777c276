import Control
import Detection
import Events
import Synchronization

/// What became of reading a config that is not in force.
public enum CheckedConfiguration: Sendable {
  /// One line each: `file:line:column: message`.
  case mistakes([String])
  /// It is right. Sections outside the pipeline that would need a restart are named.
  case valid(PipelineConfiguration, needsRestart: [String])
}

extension AnomalyPipeline {
  /// Is it right, and what would a reload of it do?
  func check(_ file: String, _ text: String) -> CheckReport {
    switch around.check(file, text) {
    case .mistakes(let mistakes): return CheckReport(file: file, problems: mistakes)
    case .valid(let new, let outside):
      var report = CheckReport(file: file, problems: [])
      report.effect = effect(of: new, outside: outside)
      return report
    }
  }

  private func effect(of new: PipelineConfiguration, outside: [String]) -> ReloadEffect {
    let old = life.withLock { $0.configuration }
    var effect = ReloadEffect()
    effect.needsRestart = outside + Self.keysThatNeedRestart(new, over: old)
    let before = Dictionary(old.ingest.sources.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    let after = Dictionary(new.ingest.sources.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    for (name, source) in after {
      effect.sources[name] = before[name].map { $0 == source ? "kept" : "changed" } ?? "added"
    }
    for name in before.keys where after[name] == nil { effect.sources[name] = "removed" }

    let (was, willBe) = (old.choice, new.choice)
    let names = onEveryShard { $0.streams.map(\.key.name) }.joined().sorted()
    effect.streams = names.count
    for name in names {
      let (now, then) = (was.settings(of: name), willBe.settings(of: name))
      if now.ofModels != then.ofModels { effect.learnedAnew.append(name) }
      if now.ofAlerts != then.ofAlerts { effect.judgedAnew += 1 }
    }
    effect.learnedAnewCount = effect.learnedAnew.count
    effect.learnedAnew = Array(effect.learnedAnew.prefix(ReloadEffect.named))
    return effect
  }
}

extension DetectionSettings {
  /// With everything usual that a model does not come from.
  fileprivate var ofModels: DetectionSettings {
    let usual = DetectionSettings()
    var settings = self
    settings.alerts = usual.alerts
    settings.silence = usual.silence
    settings.retraining = usual.retraining
    settings.newNormal = usual.newNormal
    settings.calibration.freshRows = usual.calibration.freshRows
    settings.calibration.step = usual.calibration.step
    return settings
  }

  /// The rest: it acts at once.
  fileprivate var ofAlerts: DetectionSettings {
    var settings = DetectionSettings()
    settings.alerts = alerts
    settings.silence = silence
    settings.newNormal = newNormal
    settings.calibration.freshRows = calibration.freshRows
    settings.calibration.step = calibration.step
    return settings
  }
}
