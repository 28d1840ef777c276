public import Control
import Foundation

/// A status as Prometheus reads it (text format 0.0.4). Names and units follow Prometheus' own advice: base units, `_total`
/// on what only grows.
public enum Metrics {
  static func text(_ status: StatusReport) -> String { page(status).text }

  /// The same figures as an event that a daemon can take in: `values` by name and labels, as in the text.
  ///
  /// Figures that are no number at the time are left out.
  ///
  /// - Parameter time: seconds since 1970.
  public static func event(_ status: StatusReport, stream: String, time: Double) -> [UInt8] {
    let event = Event(stream: stream, ts: time, values: page(status).values)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(event)).map(Array.init) ?? []
  }

  private struct Event: Encodable {
    let schema = 1
    let stream: String
    let ts: Double
    let values: [String: Double]
  }

  private static func page(_ status: StatusReport) -> MetricsPage {
    var page = MetricsPage()
    process(status, &page)
    traffic(status, &page)
    sources(status, &page)
    queues(status, &page)
    scoring(status, &page)
    alerts(status, &page)
    training(status, &page)
    care(status, &page)
    return page
  }

  private static func process(_ status: StatusReport, _ page: inout MetricsPage) {
    page.gauge(
      "anomalyd_info", "Always 1; what runs.", 1, ["version": status.version, "kernel": status.kernel.name])
    page.gauge("process_start_time_seconds", "When the process started, since 1970.", status.startedAt)
    page.gauge("process_resident_memory_bytes", "Resident memory.", Double(status.memory.resident))
    page.counter(
      "process_cpu_seconds_total", "Processor time of all threads.", status.memory.processorSeconds)
  }

  private static func traffic(_ status: StatusReport, _ page: inout MetricsPage) {
    page.gauge(
      "anomalyd_events_per_second", "Events a second over the last seconds.", status.totals.eventsPerSecond)
    page.counter("anomalyd_scored_events_total", "Events that were given a score.", status.totals.scored)
    page.family("anomalyd_streams", "gauge", "Streams by phase.")
    for phase in ["collecting", "training", "calibrating", "scoring"] {
      let counts = status.streams
      let value = [
        "collecting": counts.collecting, "training": counts.training, "calibrating": counts.calibrating,
        "scoring": counts.scoring,
      ][phase]
      page.sample("anomalyd_streams", ["phase": phase], Double(value ?? 0))
    }
  }

  private static func sources(_ status: StatusReport, _ page: inout MetricsPage) {
    let sources = status.sources
    func each(_ name: String, _ help: String, _ type: String = "counter", _ value: (SourceReport) -> Double?)
    {
      page.family(name, type, help)
      for source in sources {
        if let value = value(source) { page.sample(name, ["source": source.name], value) }
      }
    }
    each("anomalyd_source_messages_total", "Messages received.") { Double($0.messages) }
    each("anomalyd_source_bytes_total", "Bytes of payloads received.") { Double($0.bytes) }
    each("anomalyd_source_events_total", "Events handed on towards a shard.") { Double($0.events) }
    each("anomalyd_source_streams", "Streams that came from it.", "gauge") { Double($0.streams) }
    each("anomalyd_source_peers", "Peers connected now.", "gauge") { $0.peers.map(Double.init) }
    each("anomalyd_source_last_message_age_seconds", "Since the last message.", "gauge") { $0.lastMessageAge }
    for (name, help, reasons) in [
      ("anomalyd_malformed_total", "Messages that could not be read, by reason.", sources.map(\.malformed)),
      ("anomalyd_refused_total", "Events not taken in, by rule.", sources.map(\.refused)),
      ("anomalyd_dropped_total", "Events lost by policy, by reason.", sources.map(\.dropped)),
    ] {
      page.family(name, "counter", help)
      for (source, counts) in zip(sources, reasons) {
        for (reason, count) in counts.sorted(by: { $0.key < $1.key }) {
          page.sample(name, ["source": source.name, "reason": reason], Double(count))
        }
      }
    }
  }

  private static func queues(_ status: StatusReport, _ page: inout MetricsPage) {
    func each(_ name: String, _ help: String, _ type: String, _ value: (QueueReport) -> Double) {
      page.family(name, type, help)
      for queue in status.queues { page.sample(name, ["queue": queue.name], value(queue)) }
    }
    each("anomalyd_queue_depth", "What waits in a handoff between threads.", "gauge") { Double($0.depth) }
    each("anomalyd_queue_peak", "The highest depth so far.", "gauge") { Double($0.peak) }
    each("anomalyd_queue_capacity", "What fits.", "gauge") { Double($0.capacity) }
    each("anomalyd_queue_dropped_total", "What was lost because it was full.", "counter") {
      Double($0.dropped)
    }
    page.family("anomalyd_shard_events_total", "counter", "Events that a scoring thread looked at.")
    for shard in status.shards {
      page.sample("anomalyd_shard_events_total", ["shard": "\(shard.index)"], Double(shard.events))
    }
    page.family("anomalyd_shard_busy_ratio", "gauge", "Share of its life in which a scoring thread worked.")
    for shard in status.shards {
      page.sample("anomalyd_shard_busy_ratio", ["shard": "\(shard.index)"], shard.busyShare)
    }
  }

  private static func scoring(_ status: StatusReport, _ page: inout MetricsPage) {
    let scoring = status.scoring
    page.histogram(
      "anomalyd_score_latency_seconds", "From the arrival of an event to its score.", scoring.latency)
    page.gauge(
      "anomalyd_scoring_lag_seconds", "Age of the oldest event of the last batch when it was scored.",
      scoring.lag)
    page.family("anomalyd_calibration_ratio", "gauge", "Share of events with a p-value of at most `nominal`.")
    for point in scoring.calibration {
      page.sample(
        "anomalyd_calibration_ratio", ["nominal": MetricsPage.number(point.nominal)], point.measured)
    }
    page.family(
      "anomalyd_late_events_total", "counter",
      "Events older than their stream's newest one, by what became of them; and clocks that were set back.")
    for (outcome, count) in scoring.lateOutcomes.sorted(by: { $0.key < $1.key }) {
      page.sample("anomalyd_late_events_total", ["outcome": outcome], Double(count))
    }
    page.counter(
      "anomalyd_missing_values_total", "Values of scored events that did not come.", scoring.missingValues)
    page.counter(
      "anomalyd_imputed_values_total", "Those of them that were filled in.", scoring.imputedValues)
    page.gauge("anomalyd_models", "Models that score now.", Double(scoring.models))
    page.optional("anomalyd_model_age_seconds_max", "Age of the oldest model in use.", scoring.oldestModelAge)
    page.optional("anomalyd_model_age_seconds_min", "Age of the newest model in use.", scoring.newestModelAge)
  }

  private static func alerts(_ status: StatusReport, _ page: inout MetricsPage) {
    page.family("anomalyd_alerts_total", "counter", "Statements about incidents that were published.")
    for (state, count) in [
      ("open", status.alerts.opened), ("update", status.alerts.updated), ("resolved", status.alerts.resolved),
    ] { page.sample("anomalyd_alerts_total", ["state": state], Double(count)) }
    page.counter(
      "anomalyd_alerts_silenced_total", "Statements kept back by a silence or maintenance.",
      status.alerts.silenced)
    page.counter("anomalyd_alerts_gated_total", "Statements kept back by a gate.", status.alerts.gated)
    page.gauge("anomalyd_incidents_open", "Incidents open now.", Double(status.alerts.openIncidents))
    page.gauge(
      "anomalyd_streams_silenced", "Streams that are silent now.", Double(status.alerts.silencedStreams))
  }

  private static func training(_ status: StatusReport, _ page: inout MetricsPage) {
    let trainer = status.trainer
    page.family("anomalyd_trainings_total", "counter", "Trainings by what became of them.")
    for (outcome, count) in [
      ("accepted", trainer.accepted), ("rejected", trainer.rejected), ("failed", trainer.failed),
    ] { page.sample("anomalyd_trainings_total", ["outcome": outcome], Double(count)) }
    page.counter(
      "anomalyd_training_processor_seconds_total", "Processor time spent on training.",
      trainer.processorSeconds)
    if let joules = trainer.joules {
      page.counter(
        "anomalyd_training_joules_total", "Energy of the processors that is put down to training.", joules)
    }
    page.gauge("anomalyd_training_backlog", "Streams that wait for a model.", Double(trainer.backlog))
    page.gauge(
      "anomalyd_training_budget_ratio", "Share of a core that training may use.", trainer.budgetShare)
    page.gauge(
      "anomalyd_training_used_ratio", "Share of a core that training used lately.", trainer.usedShare)
  }

  private static func care(_ status: StatusReport, _ page: inout MetricsPage) {
    let configuration = status.configuration
    page.gauge(
      "anomalyd_config_loaded_timestamp_seconds", "When the running config was read.", configuration.loadedAt)
    page.gauge(
      "anomalyd_config_last_reload_successful", "1 unless the last reload was refused.",
      configuration.lastReload?.accepted == false ? 0 : 1)
    page.gauge(
      "anomalyd_state_healthy", "Whether the state directory can be written.", status.state.healthy ? 1 : 0)
    page.gauge("anomalyd_state_bytes", "Size of the state directory.", Double(status.state.bytes))
    page.gauge("anomalyd_state_free_bytes", "Room beside it.", Double(status.state.freeBytes))
    page.gauge(
      "anomalyd_state_set_aside", "Damaged files set aside at the start.", Double(status.state.setAside))
    page.counter("anomalyd_control_requests_total", "Control requests answered.", status.control.answered)
    page.counter(
      "anomalyd_control_malformed_total", "Control requests that could not be read.", status.control.malformed
    )
    page.family("anomalyd_curve_handshakes_total", "counter", "Peers of sockets that ask for keys.")
    for admission in status.admissions {
      for (outcome, count) in [("admitted", admission.admitted), ("refused", admission.refused)] {
        page.sample(
          "anomalyd_curve_handshakes_total", ["socket": admission.socket, "outcome": outcome], Double(count))
      }
    }
    page.family("anomalyd_curve_allowed_keys", "gauge", "Public keys in the directory of a socket.")
    for admission in status.admissions {
      page.sample("anomalyd_curve_allowed_keys", ["socket": admission.socket], Double(admission.keys))
    }
  }
}
