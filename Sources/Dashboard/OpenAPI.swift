import Control
import Foundation

/// What `/api/v1/` understands, for programs (OpenAPI 3.1).
enum OpenAPI {
  /// One argument of a command.
  private struct Argument {
    var name: String
    var type: String
    var isNeeded = false
    var about: String
  }

  private static let stream = Argument(
    name: "stream", type: "string", isNeeded: true, about: "The stream's name.")
  private static let id = Argument(name: "id", type: "string", isNeeded: true, about: "The incident's id.")
  private static let author = Argument(name: "by", type: "string", about: "Who says so.")
  private static let preview = Argument(name: "preview", type: "boolean", about: "Only say what it would do.")

  /// Every command: what it does, and what it takes.
  private static let commands: [String: (about: String, arguments: [Argument])] = [
    "status": ("How the daemon is.", []),
    "streams": (
      "The streams, a row each.",
      [
        Argument(name: "matching", type: "string", about: "Glob on the name."),
        Argument(name: "phase", type: "string", about: "collecting, training, calibrating or scoring."),
        Argument(name: "order", type: "string", about: "name, score, rate or recent."),
        Argument(name: "limit", type: "integer", about: "At most so many."),
      ]
    ),
    "stream": (
      "Everything about one stream.",
      [Argument(name: "name", type: "string", isNeeded: true, about: "The stream's name.")]
    ),
    "alerts": (
      "Statements out of the alert history.",
      [
        Argument(name: "since", type: "number", about: "Event time, seconds since 1970."),
        Argument(name: "until", type: "number", about: "Event time, seconds since 1970."),
        Argument(name: "after_seq", type: "integer", about: "Statements after this number."),
        Argument(name: "stream", type: "string", about: "Only of this stream."),
        Argument(name: "open", type: "boolean", about: "Only incidents that are open."),
        Argument(name: "incidents", type: "boolean", about: "The latest statement of each incident."),
        Argument(name: "limit", type: "integer", about: "At most so many."),
      ]
    ),
    "explain": ("One incident with all that is known of why.", [id]),
    "ack": (
      "Somebody has seen an incident.",
      [id, author, Argument(name: "note", type: "string", about: "What to note with it.")]
    ),
    "silence": (
      "No alerts of a stream for a while.",
      [stream, Argument(name: "seconds", type: "number", isNeeded: true, about: "For how long.")]
    ),
    "unsilence": ("Ends a silence.", [stream]),
    "models": (
      "The models in use.", [Argument(name: "stream", type: "string", about: "Only of this stream.")]
    ),
    "snapshots": ("What is kept of a stream's models.", [stream]),
    "retrain": (
      "Trains as soon as the budget allows.",
      [Argument(name: "stream", type: "string", about: "Only this one.")]
    ),
    "revert": (
      "Goes back to an older snapshot.",
      [stream, Argument(name: "snapshot", type: "string", about: "Its id; the one before when left out.")]
    ),
    "promote": (
      "Takes a kept snapshot into use.",
      [stream, Argument(name: "snapshot", type: "string", isNeeded: true, about: "Its id.")]
    ),
    "retain": (
      "Keeps a snapshot however many newer ones come.",
      [
        stream, Argument(name: "snapshot", type: "string", isNeeded: true, about: "Its id."),
        Argument(name: "release", type: "boolean", about: "No longer keep it."),
      ]
    ),
    "diff": (
      "What is different between two snapshots.",
      [
        stream, Argument(name: "first", type: "string", isNeeded: true, about: "The one's id."),
        Argument(name: "second", type: "string", isNeeded: true, about: "The other's id."),
      ]
    ),
    "power": (
      "How small a fault would be found in a stream, by faults planted into a copy of its rows.", [stream]
    ),
    "drift": ("Which fields of a stream are distributed otherwise than before.", [stream]),
    "forecast": (
      "How the fields of a stream will go on, with intervals.",
      [
        stream, Argument(name: "field", type: "string", about: "Only this one."),
        Argument(name: "steps", type: "integer", about: "Steps ahead; 60 when left out."),
        Argument(name: "seconds", type: "number", about: "Instead of steps, event time ahead."),
        Argument(name: "limit", type: "number", about: "When the field reaches this."),
        Argument(name: "model", type: "string", about: "A member of the suite that forecasts."),
        Argument(name: "coverage", type: "number", about: "Share that intervals are meant to hold, 0.9."),
      ]
    ),
    "rerun": ("An alert's score once more from what was kept.", [id]),
    "reload": ("Reads the config file again.", []),
    "check": (
      "What is wrong with the text of a config.",
      [
        Argument(name: "text", type: "string", isNeeded: true, about: "The text."),
        Argument(name: "file", type: "string", about: "Its name, for messages."),
      ]
    ),
    "sample": (
      "Rows drawn from what a model believes normal is, beside real ones.",
      [
        stream, Argument(name: "model", type: "string", isNeeded: true, about: "A member of the suite."),
        Argument(name: "count", type: "integer", about: "How many rows."),
        Argument(name: "seed", type: "integer", about: "The same seed gives the same rows."),
      ]
    ),
    "doctor": ("Is everything in order, and if not, what to do.", []),
    "trace": (
      "The latest rows of a stream with their scores.",
      [stream, Argument(name: "count", type: "integer", about: "How many rows.")]
    ),
    "traverse": (
      "Rows on a walk along one unit of a model's code.",
      [
        stream, Argument(name: "model", type: "string", isNeeded: true, about: "A member of the suite."),
        Argument(name: "unit", type: "integer", about: "Which unit of the code, from 0."),
        Argument(name: "count", type: "integer", about: "Places on the way."),
      ]
    ),
    "label": (
      "What an incident was; decides what is learned from it.",
      [
        id,
        Argument(
          name: "verdict", type: "string", isNeeded: true, about: "true, expected, false-alarm or new-normal."
        ),
        Argument(name: "cause", type: "string", about: "Why."), author, preview,
      ]
    ),
    "undo": ("Takes the last verdict back.", [author]),
    "forget": (
      "Takes a window of a stream out of what is learned.",
      [
        stream,
        Argument(name: "from", type: "number", isNeeded: true, about: "Event time, seconds since 1970."),
        Argument(name: "to", type: "number", isNeeded: true, about: "Event time, seconds since 1970."),
        author,
        preview,
      ]
    ),
    "audit": (
      "What was asked for, newest first.",
      [Argument(name: "limit", type: "integer", about: "At most so many.")]
    ),
  ]

  /// Commands that the document knows.
  static var known: Set<String> { Set(commands.keys) }

  static let document: String = {
    var paths: [String: Any] = [:]
    for (command, (about, arguments)) in commands {
      let isGuarded = ControlRequest.guarded.contains(command)
      var properties: [String: Any] = [:]
      for argument in arguments {
        properties[argument.name] = ["type": argument.type, "description": argument.about]
      }
      var post: [String: Any] = [
        "summary": about, "operationId": command, "responses": responses(isGuarded),
        "requestBody": [
          "content": [
            "application/json": [
              "schema": [
                "type": "object", "properties": properties,
                "required": arguments.filter(\.isNeeded).map(\.name),
              ] as [String: Any]
            ]
          ]
        ],
      ]
      var path: [String: Any] = [:]
      if isGuarded {
        post["security"] = [["token": [String]()]]
      } else {
        path["get"] =
          [
            "summary": about, "operationId": "get-\(command)", "responses": responses(false),
            "parameters": arguments.map { argument in
              [
                "name": argument.name, "in": "query", "required": argument.isNeeded,
                "description": argument.about, "schema": ["type": argument.type],
              ] as [String: Any]
            },
          ] as [String: Any]
      }
      path["post"] = post
      paths[API.root + command] = path
    }
    paths[API.root + "events"] = [
      "get": [
        "summary": "Server-sent events: tick every second, alert for each statement.",
        "operationId": "events",
        "responses": [
          "200": ["description": "A stream that does not end.", "content": ["text/event-stream": [:]]]
        ],
      ] as [String: Any]
    ]
    let document: [String: Any] = [
      "openapi": "3.1.0", "info": ["title": "anomalyd", "version": Release.version], "paths": paths,
      "components": [
        "securitySchemes": [
          "token": [
            "type": "http", "scheme": "bearer", "description": "The file `token` in the state directory.",
          ]
        ]
      ],
    ]
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data = try? JSONSerialization.data(withJSONObject: document, options: options)
    return String(decoding: data ?? Data(), as: UTF8.self)
  }()

  private static func responses(_ changes: Bool) -> [String: Any] {
    let json: [String: Any] = ["application/json": ["schema": ["type": "object"]]]
    var responses: [String: Any] = [
      "200": ["description": "The report.", "content": json],
      "400": ["description": "Not understood.", "content": json],
      "404": ["description": "No such thing.", "content": json],
      "503": ["description": "Not now.", "content": json],
    ]
    if changes {
      responses["401"] = ["description": "The token is missing."]
      responses["403"] = ["description": "The token is not the right one."]
    }
    return responses
  }
}
