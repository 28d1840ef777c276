import ArgumentParser
import Control
import Foundation

struct PowerCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "power",
    abstract: "How small a fault of a stream is found, and after how many events.",
    discussion: """
      Plants faults of several kinds and sizes into a copy of the stream's recent rows, and lets a copy of its detector look \
      at them. Sizes count the field's usual spreads, how many times as much it varies, the share of a value that comes from \
      another time, or events. Takes up to about five seconds; nothing of the running stream is touched.
      """)
  @Argument(help: "The stream's name.") var stream: String
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .power(stream: stream) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .power(let report) = reply else { throw unexpected(reply) }
    var table = TextTable([
      .init("fault"), .init("found from", .right), .init("after events", .right), .init("named", .right),
      .init("share found by size"),
    ])
    for curve in report.curves {
      let reached = curve.points.first { $0.size == curve.smallest }
      let found = curve.points.reduce(0) { $0 + $1.found }
      let named = curve.points.reduce(0) { $0 + $1.named }
      let shares = curve.points.filter { $0.planted > 0 }.map {
        "\(Readable.number($0.size)): \(Readable.share(Double($0.found) / Double($0.planted)))"
      }
      table.append([
        .init(curve.fault, .strong),
        .init(
          curve.smallest.map { "\(Readable.number($0)) \(curve.unit)" } ?? "not found",
          curve.smallest == nil ? .bad : .plain),
        .init(reached?.medianDelay.map { "\($0)" } ?? "–"),
        .init(found == 0 || curve.fault == "order" ? "–" : Readable.share(Double(named) / Double(found))),
        .init(shares.joined(separator: "  ")),
      ])
    }
    return table.rendered(style)
      + "each size planted \(report.rounds) times into \(Readable.count(report.rows)) recent rows of "
      + "\(report.stream.printable), scored by \((report.snapshot ?? "no model").printable); found from: at least "
      + "80 % of these and of all larger ones\n"
      + (report.alarmed > 0
        ? "\(report.alarmed) stretches opened an incident by themselves and were left out\n" : "")
  }
}

struct DriftCommand: ControlCommand {
  /// What the tests on all fields together say.
  private func together(_ report: FieldDriftReport) -> String {
    guard let discrepancy = report.discrepancy, let classifier = report.classifier else { return "" }
    func verdict(_ test: FieldDriftReport.Test) -> String {
      (test.pValue <= 0.01 ? "drift" : "no drift") + " (by chance \(Readable.probability(test.pValue)))"
    }
    return
      "all fields together: mean discrepancy \(Readable.number(discrepancy.statistic)), \(verdict(discrepancy)); a "
      + "classifier tells \(Readable.share(classifier.statistic)) of rows apart, \(verdict(classifier))\n"
      + "asked after every \(Readable.count(report.recent)) new rows, each test cries drift by chance once in "
      + "\(Readable.count(report.runRows)) rows"
      + (report.runSeconds > 0 ? ", \(Readable.span(seconds: report.runSeconds))\n" : "\n")
  }

  static let configuration = CommandConfiguration(
    commandName: "drift",
    abstract: "Which fields of a stream are distributed otherwise than before, apart from incidents.",
    discussion: """
      Holds the latest rows against those kept from before, rows of incidents left out, by the Kolmogorov-Smirnov test for each field, and for all \
      together by the maximum mean discrepancy and by a classifier; \
      p-values take into account that neighbouring values depend on each other, and how many fields there are.
      """)
  @Argument(help: "The stream's name.") var stream: String
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .drift(stream: stream) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .drift(let report) = reply else { throw unexpected(reply) }
    var table = TextTable([
      .init("field"), .init("drift"), .init("by chance", .right), .init("distance", .right),
      .init("median before", .right), .init("now", .right), .init("spread before", .right),
      .init("now", .right),
    ])
    for field in report.fields {
      let isDrifted = field.pValue < 0.01
      table.append([
        .init(field.name, .strong), .init(isDrifted ? "yes" : "no", isDrifted ? .notice : .plain),
        .init(Readable.probability(field.pValue)),
        .init(Readable.number((field.distance * 1000).rounded() / 1000)),
        .init(Readable.number(field.before)),
        .init(Readable.number(field.now)), .init(Readable.number(field.spreadBefore)),
        .init(Readable.number(field.spreadNow)),
      ])
    }
    return table.rendered(style)
      + "the latest \(Readable.count(report.recent)) rows, since \(Readable.moment(report.since)), against "
      + "\(Readable.count(report.reference)) before; scores have moved by "
      + "\(Readable.number((report.scores * 100).rounded() / 100)) since the training\n" + together(report)
  }
}
