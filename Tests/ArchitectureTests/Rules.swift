import Foundation

struct SourceFile {
  var module: String
  var name: String
  var lines: [String]
  /// The text without comments and without what stands inside string literals of one line.
  let code: String

  init(module: String, name: String, lines: [String]) {
    self.module = module
    self.name = name
    self.lines = lines
    var code = lines.joined(separator: "\n")
    for (pattern, replacement) in [(#"^[ \t]*//.*$"#, ""), (#""([^"\\\n]|\\.)*""#, "\"\""), ("//.*$", "")] {
      code = Pattern(pattern).replacing(in: code, with: replacement)
    }
    self.code = code
  }
}

/// A regular expression by Foundation's engine: in a debug build that of the standard library takes most of a minute here.
struct Pattern: ExpressibleByStringLiteral {
  private let expression: NSRegularExpression

  init(_ pattern: String) {
    guard let expression = try? NSRegularExpression(pattern: pattern, options: .anchorsMatchLines) else {
      preconditionFailure("no pattern: \(pattern)")
    }
    self.expression = expression
  }

  init(stringLiteral pattern: String) { self.init(pattern) }

  func replacing(in text: String, with replacement: String) -> String {
    expression.stringByReplacingMatches(
      in: text, range: NSRange(text.startIndex..., in: text), withTemplate: replacement)
  }

  /// Each match with the number of its line, and what its last group holds, or else the line.
  func matches(in text: String) -> [(number: Int, text: String)] {
    let whole = text as NSString
    return expression.matches(in: text, range: NSRange(location: 0, length: whole.length)).map { match in
      let number = whole.substring(to: match.range.location).components(separatedBy: "\n").count
      let range =
        match.numberOfRanges > 1
        ? match.range(at: match.numberOfRanges - 1) : whole.lineRange(for: match.range)
      return (number, whole.substring(with: range).trimmingCharacters(in: .newlines))
    }
  }
}

struct SourceTree {
  var root: URL
  var files: [SourceFile]

  var modules: [String] { Set(files.map(\.module)).sorted() }

  static func ofThisPackage() -> SourceTree {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let sources = root.appending(path: "Sources")
    var files: [SourceFile] = []
    let walk = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
    while let url = walk?.nextObject() as? URL {
      guard url.pathExtension == "swift", let text = try? String(contentsOf: url, encoding: .utf8) else {
        continue
      }
      let name = String(url.path.dropFirst(sources.path.count + 1))
      files.append(
        SourceFile(
          module: String(name.split(separator: "/")[0]), name: name, lines: text.components(separatedBy: "\n")
        ))
    }
    return SourceTree(root: root, files: files.sorted { $0.name < $1.name })
  }
}

enum Rules {
  /// What each module may import besides the standard library; the order is the table's, downwards only.
  static let mayImport: [String: Set<String>] = [
    "Events": [],
    "Messaging": ["CZeroMQ"],
    "Tensors": ["COpenBLAS", "CVectorMath"],
    "Systemd": ["CSystemd", "Logging"],
    "Datasets": ["CZlib", "CPNG"],
    "Gradients": ["Tensors"],
    "Wire": ["Events", "CSimdJSON"],
    "Control": ["Events", "Messaging"],
    "Networks": ["Gradients", "Tensors"],
    "Generative": ["Networks", "Gradients", "Tensors"],
    "Archive": ["Events", "Networks", "GRDB"],
    "Evaluation": ["Datasets", "Generative", "Networks", "Gradients", "Tensors"],
    "Detection": ["Events", "Generative", "Tensors"],
    "Dashboard": ["Control", "Events", "CPages"],
    "Pipeline": [
      "Events", "Messaging", "Wire", "Datasets", "Detection", "Archive", "Control", "Generative", "Tensors",
      "Logging",
    ],
    "Settings": [
      "Pipeline", "Dashboard", "Detection", "Wire", "Messaging", "Generative", "Events", "Yams", "Logging",
    ],
    "anomalyd": [
      "Settings", "Pipeline", "Dashboard", "Archive", "Control", "Systemd", "Tensors", "Events", "Logging",
      "ArgumentParser",
      "ServiceLifecycle", "UnixSignals",
    ],
    "anomalyctl": ["Control", "Messaging", "Events", "ArgumentParser"],
    "anomalylab": [
      "Settings", "Pipeline", "Detection", "Generative", "Archive", "Wire", "Messaging", "Control", "Tensors",
      "Events",
      "CAllocations", "CBareLoop", "ArgumentParser", "Networks", "Gradients", "Datasets", "Evaluation",
    ],
  ]
  static let platform: Set<String> = [
    "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Synchronization", "Dispatch",
  ]
  static let programs: Set<String> = ["anomalyd", "anomalyctl", "anomalylab"]

  static func each(
    _ tree: SourceTree, except modules: Set<String>, _ pattern: Pattern, _ what: String
  )
    -> [String]
  {
    tree.files.filter { !modules.contains($0.module) }.flatMap { file in
      pattern.matches(in: file.code).map { "\(file.name):\($0.number): \(what): \($0.text)" }
    }
  }

  private static let importing: Pattern =
    #"^[ \t]*(?:@\w+\s+)*(?:public |internal |private |package )?import (?:(?:struct|enum|func|class|protocol) )?(\w+)"#

  static func imports(_ tree: SourceTree) -> [String] {
    tree.files.flatMap { file -> [String] in
      guard let allowed = mayImport[file.module] else {
        return ["\(file.name): \(file.module) is not in the table"]
      }
      return importing.matches(in: file.code).compactMap { number, name in
        return allowed.contains(name) || platform.contains(name)
          ? nil : "\(file.name):\(number): \(file.module) may not import \(name)"
      }
    }
  }

  static func vocabulary(_ tree: SourceTree) -> [String] {
    each(tree, except: ["Messaging"], #"\bzmq_\w+\("#, "ZeroMQ is spoken in Messaging")
      + each(tree, except: ["Tensors"], #"\b(?:cblas|openblas|LAPACKE)_\w+\("#, "BLAS is spoken in Tensors")
      + each(tree, except: ["Systemd"], #"\bsd_\w+\("#, "libsystemd is spoken in Systemd")
      + each(tree, except: ["Archive"], #"\bsqlite3_\w+\("#, "SQLite is spoken in Archive")
      + each(
        tree, except: ["Datasets"], #"\b(?:gz|png_|cpng_)\w+\("#, "zlib and libpng are spoken in Datasets")
  }

  static func rim(_ tree: SourceTree) -> [String] {
    each(tree, except: programs, #"(?:^|[^.\w\n])print\("#, "only programs print")
      + each(tree, except: programs, #"(?:^|[^.\w\n])_?exit\("#, "only programs decide an exit code")
  }

  static func concurrency(_ tree: SourceTree) -> [String] {
    each(
      tree, except: programs.union(["Pipeline", "Control", "Dashboard", "Messaging", "Systemd", "Archive"]),
      #"\b(?:Task|actor|Mutex|Thread|DispatchQueue|NSLock|pthread_create|await)\b"#,
      "concurrency lives in Pipeline"
    )
    // The one other room: a team that splits a single product or convolution and is done when the call returns.
    .filter { !$0.hasPrefix("Tensors/Workers.swift:") }
  }

  static func effects(_ tree: SourceTree) -> [String] {
    each(
      tree, except: programs.union(["Pipeline", "Control", "Dashboard", "Messaging", "Systemd", "Archive"]),
      #"\b(?:Date\(\)|(?:Date\.now|clock_gettime|ContinuousClock|gettimeofday|SystemRandomNumberGenerator|ProcessInfo)\b)"#,
      "clocks, environment and entropy are read at the rim")
  }

  static func length(_ tree: SourceTree, most: Int) -> [String] {
    tree.files.filter { $0.lines.count - ($0.lines.last == "" ? 1 : 0) > most }.map {
      "\($0.name): \($0.lines.count) lines"
    }
  }

  private static let unfinishedWord: Pattern = #"\b(TODO|FIXME|XXX)\b"#

  static func unfinished(_ tree: SourceTree) -> [String] {
    each(tree, except: [], #"\b(?:try!|as!|fatalError\()"#, "ends the process")
      + tree.files.flatMap { file in
        unfinishedWord.matches(in: file.lines.joined(separator: "\n"))
          .map { "\(file.name):\($0.number): unfinished" }
      }
  }
}
