import Archive
import Detection
import Events
import Logging

/// What a start found on disk.
struct Restored {
  /// In the order in which ingest and the shards are told of them.
  var streams: [StreamKey] = []
  var detectors: [StreamDetector] = []
  /// Damaged files that were moved out of the way, and streams that could not be read.
  var damaged: [String] = []
  /// Incidents that are open in the history but whose stream is not known any more.
  var orphans: [Alert] = []
  /// What was said of streams that are silent.
  var silences: [StreamKey: Alert] = [:]
}

extension AnomalyPipeline {
  /// What is on disk, and what past events say of streams that are not there.
  static func restore(
    _ configuration: PipelineConfiguration, _ states: StateStore, _ snapshots: SnapshotStore,
    _ pools: WeightPools, _ histories: HistoryStore, open: [Alert], seed: UInt64
  ) throws -> Restored {
    var restored = try Restoring.load(
      states: states, snapshots: snapshots, pools: pools, open: open, detection: configuration.choice,
      seed: seed)
    if let folder = configuration.pipeline.keep.pastEvents {
      try PastEvents.learn(from: folder, into: &restored, histories, configuration.choice, seed: seed)
    }
    return restored
  }
}

enum Restoring {
  /// Puts running states, models and open incidents together, stream by stream; damage costs what is damaged and no more.
  static func load(
    states: StateStore, snapshots: SnapshotStore, pools: WeightPools, open: [Alert],
    detection: DetectionChoice,
    seed: UInt64
  ) throws -> Restored {
    var restored = Restored()
    var models: [StreamKey: StreamModel] = [:]
    let (aside, unreadable) = try snapshots.forEachCurrent { snapshot in
      do {
        models[snapshot.stream] = try SnapshotCoding.model(of: snapshot, pools: pools)
      } catch {
        restored.damaged.append("\(snapshot.stream): snapshot \(snapshot.name): \(error)")
      }
    }
    restored.damaged.append(contentsOf: aside.map { "\($0)" } + unreadable.map { "\($0)" })

    let (entries, setAside) = try states.load()
    restored.damaged.append(contentsOf: setAside.map { "\($0)" })
    var running: [StreamKey: [UInt8]] = [:]
    for entry in entries { running[entry.stream] = entry.bytes }

    var incidents: [String: Alert] = [:]
    for alert in open {
      if alert.kind == .silence {
        restored.silences[StreamKey(alert.stream)] = alert
      } else {
        incidents[alert.stream] = alert
      }
    }

    for stream in Set(models.keys).union(running.keys).sorted() {
      var detector = StreamDetector(
        stream: stream, settings: detection.settings(of: stream.name),
        seed: StreamEntry.hash(stream.name, from: seed))
      if let bytes = running[stream] {
        do {
          detector = try StreamDetector(
            restoring: bytes, stream: stream, model: models[stream],
            settings: detection.settings(of: stream.name),
            seed: StreamEntry.hash(stream.name, from: seed))
        } catch {
          restored.damaged.append("\(stream): running state: \(error)")
          if let model = models[stream] { detector.install(model) }
        }
      } else if let model = models[stream] {
        detector.install(model)
      }
      // The history of alerts is the truth about what was said: an incident that the saved state does not know yet goes
      // on, one that it still thinks open but that was resolved ends silently.
      detector.reconcile(openIncident: incidents.removeValue(forKey: stream.name))
      restored.streams.append(stream)
      restored.detectors.append(detector)
    }
    let lost = restored.silences.filter { !restored.streams.contains($0.key) }
    restored.orphans = (Array(incidents.values) + lost.values).sorted { $0.ts < $1.ts }
    return restored
  }
}
