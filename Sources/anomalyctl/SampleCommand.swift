import ArgumentParser
import Control
import Foundation

struct SampleCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "What a model believes normal is: rows drawn from it, beside real recent ones.",
    discussion: """
      The autoencoder decodes latent samples; the RBM runs a Gibbs chain. A field whose drawn range differs much from the
      real one is a field the model has not understood.
      """)
  @Argument(help: "The stream's name.") var stream: String
  @Option(help: "The model: autoencoder, rbm, or another that scores the stream.") var model: String
  @Option(help: "How many rows to draw.") var count: Int = 200
  @Option(help: "The same seed draws the same rows.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Write a picture (.svg) or the drawn rows (.csv) here.", valueName: "file"))
  var out: String?
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...ControlRequest.largestSample).contains(count) else {
      throw ValidationError("--count must be from 1 to \(ControlRequest.largestSample)")
    }
    guard ["autoencoder", "rbm"].contains(model) else {
      throw ValidationError("--model must be autoencoder or rbm")
    }
    if let out, !out.hasSuffix(".svg"), !out.hasSuffix(".csv") {
      throw ValidationError("--out must end with .svg or .csv")
    }
  }

  func request() -> ControlRequest { .sample(stream: stream, model: model, count: count, seed: seed) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .sample(let report) = reply else { throw unexpected(reply) }
    return SampleText(style: style).text(report)
  }

  func run() throws {
    let reply = try common.client().ask(request())
    guard case .sample(let report) = reply else { throw unexpected(reply) }
    if let out {
      let text = out.hasSuffix(".svg") ? SamplePicture(report).svg : Self.csv(report)
      do {
        // What is no file, as /dev/stdout, is not replaced by one.
        let kind = try? FileManager.default.attributesOfItem(atPath: out)[.type] as? FileAttributeType
        try text.write(toFile: out, atomically: kind == nil || kind == .typeRegular, encoding: .utf8)
      } catch {
        throw Failure(
          .output, what: out, why: "cannot be written (\(error.localizedDescription))",
          remedy: "check the folder and its rights")
      }
    }
    Output.write(
      common.json
        ? try ControlCoding.json(report) + "\n"
        : try text(reply, Output.style, now: Date().timeIntervalSince1970))
  }

  static func csv(_ report: SampleReport) -> String {
    func cell(_ text: String) -> String {
      text.contains(where: { ",\"\n\r".contains($0) })
        ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
    }
    return report.fields.map(cell).joined(separator: ",") + "\n"
      + report.sampled.map { $0.map { $0.isFinite ? "\($0)" : "" }.joined(separator: ",") + "\n" }.joined()
  }
}

/// A ``SampleReport`` as a table of ranges.
struct SampleText {
  let style: TextStyle

  func text(_ report: SampleReport) -> String {
    var table = TextTable([
      .init("field"), .init("drawn 5 %", .right), .init("50 %", .right), .init("95 %", .right),
      .init("real 5 %", .right), .init("50 %", .right), .init("95 %", .right), .init("overlap", .right),
    ])
    for (index, field) in report.fields.enumerated() {
      let drawn = Column(report.sampled.map { $0[index] })
      let real = Column(report.recent.compactMap { $0[index] })
      let overlap = drawn.overlap(with: real)
      table.append([
        .init(field, .strong), .init(drawn.text(0.05)), .init(drawn.text(0.5)), .init(drawn.text(0.95)),
        .init(real.text(0.05)), .init(real.text(0.5)), .init(real.text(0.95)),
        .init(overlap.map { Readable.share($0) } ?? "–", (overlap ?? 1) < 0.3 ? .notice : .plain),
      ])
    }
    return
      "\(Readable.count(report.sampled.count)) rows drawn from the \(report.model.printable) of \(report.stream.printable) "
      + "(\(report.snapshot.printable), seed \(report.seed)) beside \(Readable.count(report.recent.count)) real ones\n\n"
      + table.rendered(style)
  }
}

/// The finite values of one field, in order of size.
struct Column {
  let values: [Double]
  init(_ values: [Double]) { self.values = values.filter(\.isFinite).sorted() }

  /// Linear between the two nearest values; nil when there are none.
  func quantile(_ share: Double) -> Double? {
    guard let first = values.first else { return nil }
    guard values.count > 1 else { return first }
    let place = share * Double(values.count - 1)
    let index = min(Int(place), values.count - 2)
    return values[index] + (values[index + 1] - values[index]) * (place - Double(index))
  }

  func text(_ share: Double) -> String { Readable.number(quantile(share)) }

  /// How much of the two 5 % to 95 % ranges is common, as a share of what they cover together.
  func overlap(with other: Column) -> Double? {
    guard let a = quantile(0.05), let b = quantile(0.95), let c = other.quantile(0.05),
      let d = other.quantile(0.95)
    else { return nil }
    let whole = max(b, d) - min(a, c)
    return whole > 0 ? max(0, min(b, d) - max(a, c)) / whole : 1
  }
}
