import Archive
import Control
import Detection
import Events
import Foundation
import Synchronization
import Tensors

extension AnomalyPipeline {
  /// Looks at everything that usually goes wrong, and says what to do about it.
  func doctorReport() -> DoctorReport {
    let status = statusReport()
    return DoctorReport(checks: [
      kernelCheck(), stateCheck(status), spaceCheck(status), damageCheck(), configurationCheck(status),
      sourcesCheck(status), inputCheck(status), queueCheck(status), alertCheck(), trainerCheck(status),
      calibrationCheck(),
    ])
  }

  private func kernelCheck() -> DoctorReport.Check {
    let kernel = Processor.kernel
    if let better = Processor.betterKernel(than: kernel, with: Processor.features) {
      return .init(
        "matrix kernel", .warn, why: "OpenBLAS runs \(kernel), this processor offers \(better)",
        remedy: "start anomalyd with OPENBLAS_CORETYPE=\(better)")
    }
    return .init("matrix kernel", .ok, why: "OpenBLAS runs \(Processor.summary)")
  }

  private func stateCheck(_ status: StatusReport) -> DoctorReport.Check {
    if let problem = status.state.problem {
      return .init("state directory", .fail, why: problem, remedy: "see to \(status.state.path)")
    }
    return .init("state directory", .ok, why: "\(status.state.path) can be written")
  }

  private func spaceCheck(_ status: StatusReport) -> DoctorReport.Check {
    let free = Double(status.state.freeBytes) / 1e9
    let text = "\((free * 10).rounded() / 10) GB free beside \(status.state.path)"
    return free < 1
      ? .init("disk space", .warn, why: text, remedy: "make room, or lower retrain.history")
      : .init("disk space", .ok, why: text)
  }

  private func damageCheck() -> DoctorReport.Check {
    let damaged = life.withLock { $0.damaged }
    guard let first = damaged.first else {
      return .init("kept files", .ok, why: "none was damaged at the start")
    }
    return .init(
      "kept files", .warn, why: "\(damaged.count) set aside at the start, such as \(first)",
      remedy: "look at the files that end in .damaged-N and remove them")
  }

  private func configurationCheck(_ status: StatusReport) -> DoctorReport.Check {
    if let reload = status.configuration.lastReload, !reload.accepted {
      return .init(
        "configuration", .warn, why: "the last reload was \(reload.message)", remedy: "mend it, reload")
    }
    return .init("configuration", .ok, why: status.configuration.path ?? "the built-in defaults")
  }

  private func sourcesCheck(_ status: StatusReport) -> DoctorReport.Check {
    if status.sources.isEmpty {
      return .init("sources", .warn, why: "none is configured", remedy: "add one under sources in the config")
    }
    let silent = status.sources.filter { $0.messages == 0 || ($0.lastMessageAge ?? 0) > 300 }
    if let first = silent.first {
      let endpoints = first.endpoints.joined(separator: ", ")
      return .init(
        "sources", .warn,
        why: "nothing from \(first.name) (\(endpoints)) "
          + (first.messages == 0 ? "since the start" : "for \(Int(first.lastMessageAge ?? 0)) s"),
        remedy: first.problem ?? "is the publisher running, and is its topic among the subscribed ones?")
    }
    return .init("sources", .ok, why: "\(status.sources.count) deliver")
  }

  private func inputCheck(_ status: StatusReport) -> DoctorReport.Check {
    let reasons = status.sources.flatMap { source in
      // What the config itself leaves out is no reason to look after anything.
      source.malformed.merging(
        source.refused.filter { !SourceCounters.intended.contains($0.key) }, uniquingKeysWith: +
      ).map { (count: $0.value, reason: "\(source.name): \($0.key)") }
    }.sorted { ($0.count, $1.reason) > ($1.count, $0.reason) }
    guard let worst = reasons.first else {
      return .init("input", .ok, why: "every message was understood")
    }
    let sum = reasons.reduce(0) { $0 + $1.count }
    return .init(
      "input", .warn,
      why: "\(sum) messages or events were refused, most for \(worst.reason) (\(worst.count))",
      remedy: "the log has an extract of one a minute")
  }

  private func queueCheck(_ status: StatusReport) -> DoctorReport.Check {
    let dropped = status.queues.reduce(0) { $0 + $1.dropped }
    return dropped > 0
      ? .init(
        "queues", .warn, why: "\(dropped) were dropped in full queues",
        remedy: "more pipeline.shards, or several events to a message")
      : .init("queues", .ok, why: "nothing was dropped")
  }

  private func alertCheck() -> DoctorReport.Check {
    let said = publisher.counters
    if said.unrecorded > 0 {
      return .init(
        "alert history", .fail, why: "\(said.unrecorded) alerts wait: \(said.lastError ?? "")",
        remedy: "make \(folder.path) writable again")
    }
    return .init("alert history", .ok, why: "every alert was recorded before it was sent")
  }

  private func trainerCheck(_ status: StatusReport) -> DoctorReport.Check {
    if isTrainerStuck {
      return .init("training", .fail, why: "at one model for over half an hour", remedy: "restart; report it")
    }
    let trainer = status.trainer
    let text =
      "\(trainer.accepted) models installed, \(trainer.backlog) streams wait, "
      + "\(Int(trainer.usedShare * 100)) % of a core used of \(Int(trainer.budgetShare * 100)) %"
    if let error = trainer.lastError {
      return .init(
        "training", .warn, why: "\(text); last failure: \(error)", remedy: "see the stream's fields")
    }
    return .init("training", .ok, why: text)
  }

  /// Measured against promised false-alarm rates, over all streams that have been scored long enough to tell.
  private func calibrationCheck() -> DoctorReport.Check {
    let sums = onEveryShard { state in
      state.streams.reduce(into: (events: UInt64(0), hits: UInt64(0))) { sum, entry in
        let status = entry.detector.status
        if status.scored >= 10_000 {
          sum.events += status.scored
          sum.hits += status.tails[1]
        }
      }
    }
    let events = sums.reduce(0) { $0 + $1.events }
    let hits = sums.reduce(0) { $0 + $1.hits }
    guard events > 0 else {
      return .init("calibration", .ok, why: "too few events yet to compare promised with measured rates")
    }
    let percent = (Double(hits) / Double(events) * 1e4).rounded() / 100
    let text = "\(percent) % of events had p ≤ 1 %"
    return (0.5...2).contains(percent)
      ? .init("calibration", .ok, why: text)
      : .init(
        "calibration", .warn, why: text, remedy: "see `anomalyctl streams --order score`; retrain what moved")
  }
}
