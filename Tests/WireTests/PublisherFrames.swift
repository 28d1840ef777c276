/// Frames as real publishers sent them: topic (its frames joined by `/`) and payload, verbatim.
enum PublisherFrames {
  // circus 0.19.0, stats_endpoint.
  static let circus: [(topic: String, payload: String)] = [
    (
      "stat.burner.8423",
      #"{"mem_info1": "8.50M", "mem_info2": "12.22M", "cpu": 4.0, "mem": 0.035, "ctime": "0:00.17", "pid": 8423, "username": "root", "nice": 0, "create_time": 1795374678.66, "age": 4.653233766555786, "cmdline": "python", "children": [], "subtopic": 8423, "name": null}"#
    ),
    ("stat.burner", #"{"pid": [8423, 8424], "cpu": 4.0, "mem": 0.07, "age": 4.653233766555786}"#),
    ("stat.sockets.6", #"{"fd": 6, "subtopic": 6, "reads": 0, "address": "127.0.0.1:18080"}"#),
    ("stat.sockets", #"{"addresses": ["127.0.0.1:18080"], "reads": 0}"#),
  ]
  // circus 0.19.0, pubsub_endpoint.
  static let circusEvents: [(topic: String, payload: String)] = [
    ("watcher.sleeper.spawn", #"{"process_pid": 9427, "time": 1795374711.1164196}"#),
    ("watcher.burner.reap", #"{"process_pid": 8423, "time": 1795374714.1152997, "exit_code": -9}"#),
  ]
  // Glances 4.5.8, --export zeromq: the frames "G", plugin, JSON.
  static let glances: [(topic: String, payload: String)] = [
    (
      "G/now",
      #"{"iso": "2026-11-22T19:13:56+00:00", "custom": "2026-11-22 19:13:56 UTC", "history_size": 28800.0}"#
    ),
    (
      "G/load",
      #"{"min1": 2.06005859375, "min5": 1.40966796875, "min15": 0.603515625, "cpucore": 2, "history_size": 28800.0, "load_careful": 0.7, "load_warning": 1.0, "load_critical": 5.0}"#
    ),
    (
      "G/mem",
      #"{"total": 25276510208, "available": 24727236608, "percent": 2.2, "used": 549273600, "free": 21429354496, "active": 705163264, "inactive": 2725265408, "buffers": 33058816, "cached": 3590631424, "shared": 9068544, "percent_min": 2.2, "percent_max": 2.2, "percent_mean": 2.2, "history_size": 28800.0, "mem_careful": 50.0, "mem_warning": 70.0, "mem_critical": 90.0}"#
    ),
    (
      "G/irq",
      #"{"LOC.irq_line": "LOC", "LOC.irq_rate": 81, "LOC.key": "irq_line", "LOC.time_since_update": 2.08402681350708, "LOC.history_size": 28800.0}"#
    ),
    ("G/cloud", #"{"history_size": 28800.0}"#),
  ]
  // rsyslog 8.2302.0, omczmq with impstats, then imfile.
  static let rsyslog: [(topic: String, payload: String)] = [
    ("rsyslog.impstats", #"{ "name": "global", "origin": "dynstats", "values": { } }"#),
    (
      "rsyslog.impstats",
      #"{ "name": "action-0-omczmq", "origin": "core.action", "processed": 12, "failed": 0, "suspended": 0, "suspended.duration": 0, "resumed": 0 }"#
    ),
    (
      "rsyslog.impstats",
      #"{ "name": "main Q", "origin": "core.queue", "size": 5, "enqueued": 17, "full": 0, "discarded.full": 0, "discarded.nf": 0, "maxqsize": 6 }"#
    ),
  ]
  static let rsyslogFile =
    #"{"ts":"2026-11-22T19:12:32.493038+00:00","host":"vm","tag":"applog","msg":"latency_ms=2 cpu=0.2"}"#
}
