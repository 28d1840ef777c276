import ArgumentParser
import Control
import Foundation

/// The measurements that `anomalylab bench` knows; each is a function in a file of its own.
enum Benchmarks {
  static let all: [Benchmark] = [
    pipeline, score, ensemble, memory, paint, kill, operations, train, suite, clean, reasons,
    Benchmark(
      name: "calibration", summary: "measured against promised false-alarm rates, on three kinds of noise"
    ) {
      run in
      var bench = BenchCalibration()
      bench.events = run.setting("events", bench.events)
      bench.only = run.settings["only"]
      for record in try bench.run() { run.report(record) }
    },
  ]
}

/// One measurement by name.
struct Benchmark: Sendable {
  let name: String
  let summary: String
  /// What may be named behind it, to measure only that.
  var cases: [String] = []
  /// Takes an hour or more: only when it is named.
  var isLong = false
  /// Measures, and says each result through ``BenchRun/report(_:_:_:reference:_:note:)``.
  let run: @Sendable (BenchRun) throws -> Void
}

/// Where results go, and what was asked for.
struct BenchRun: Sendable {
  let name: String
  let isJSON: Bool
  /// Given with `--set key=value`, for instance `streams=100`.
  let settings: [String: String]
  /// The benchmark's own cases that were named; none is all.
  var cases: [String] = []
  /// Given with `--threads` and `--seconds`.
  var threads: Int?
  var seconds: Double?

  /// A whole number given with `--set`, or the default.
  func setting(_ key: String, _ standard: Int) -> Int { settings[key].flatMap { Int($0) } ?? standard }
  func setting(_ key: String, _ standard: Double) -> Double {
    settings[key].flatMap { Double($0) } ?? standard
  }

  /// Prints a result that was put together elsewhere.
  func report(_ record: BenchRecord) {
    report(
      record.case, record.value, record.unit, reference: record.reference,
      record.referenceValue == 0 ? nil : record.referenceValue, note: record.note)
  }

  /// Prints one result: a JSON line, or a line for a person.
  ///
  /// - Parameters:
  ///   - kind: which case of the benchmark.
  ///   - reference: what it is held against, and what that gave in the same run.
  func report(
    _ kind: String, _ value: Double, _ unit: String, reference: String? = nil,
    _ referenceValue: Double? = nil,
    note: String? = nil
  ) {
    let result = BenchResult(
      bench: name, case: kind, value: value, unit: unit, reference: reference, referenceValue: referenceValue,
      ratio: referenceValue.flatMap { $0 == 0 ? nil : value / $0 }, note: note)
    Output.line(isJSON ? result.json : result.text)
  }
}

/// One result as it is printed.
struct BenchResult: Encodable {
  let bench: String
  let `case`: String
  let value: Double
  let unit: String
  let reference: String?
  let referenceValue: Double?
  let ratio: Double?
  let note: String?

  enum CodingKeys: String, CodingKey {
    case bench, `case`, value, unit, reference, ratio, note
    case referenceValue = "reference_value"
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  var text: String {
    var text = "\(bench)  \(`case`): \(Readable.number(value)) \(unit)"
    if let reference, let referenceValue {
      text += "  (\(reference): \(Readable.number(referenceValue)), ratio \(Readable.number(ratio)))"
    }
    return note.map { text + "  \($0)" } ?? text
  }
}

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures speed, memory and accuracy; without a name everything that does not take hours.",
    discussion: Benchmarks.all.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))
  @Argument(help: "Which measurements, and which of their cases: `train vae gpt`.") var names: [String] = []
  @Option(help: "Threads that train.") var threads: Int?
  @Option(help: "How long each case of training is measured.") var seconds: Double?
  @Option(name: .customLong("set"), help: ArgumentHelp("Changes how it measures.", valueName: "key=value"))
  var settings: [String] = []
  @Flag(help: "Print JSON lines.") var json = false

  func validate() throws {
    let cases = Benchmarks.all.filter { names.contains($0.name) }.flatMap(\.cases)
    for name in names where !cases.contains(name) && !Benchmarks.all.contains(where: { $0.name == name }) {
      throw ValidationError(
        "no benchmark \(name); there are \(Benchmarks.all.map(\.name).joined(separator: ", "))")
    }
    if let threads, threads < 1 { throw ValidationError("--threads \(threads): at least 1") }
    if let seconds, !(seconds > 0) { throw ValidationError("--seconds \(seconds): more than 0") }
    for setting in settings where !setting.contains("=") {
      throw ValidationError("--set \(setting) is not key=value")
    }
  }

  func run() throws {
    let pairs = settings.map {
      $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    }
    let settings = Dictionary(pairs.map { ($0[0], $0[1]) }) { $1 }
    for benchmark in Benchmarks.all where names.isEmpty ? !benchmark.isLong : names.contains(benchmark.name) {
      try benchmark.run(
        BenchRun(
          name: benchmark.name, isJSON: json, settings: settings,
          cases: names.filter(benchmark.cases.contains), threads: threads, seconds: seconds))
    }
  }
}
