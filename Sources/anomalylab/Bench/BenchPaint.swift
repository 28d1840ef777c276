import Control
import Foundation

extension Benchmarks {
  /// How soon somebody who opens the dashboard sees it.
  static let paint = Benchmark(
    name: "paint",
    summary: "first paint of the dashboard in Chromium over loopback, with 1,000 streams (--set streams=N)"
  ) { run in
    let browser = "/usr/bin/chromium"
    guard FileManager.default.isExecutableFile(atPath: browser) else {
      throw Failure(
        .unavailable, what: browser, why: "it is not there", remedy: "install it: apt-get install chromium")
    }
    let streams = run.setting("streams", 1000)
    let daemon = try LabDaemon(
      overrides: StreamLoad.overrides.merging(["ANOMALYD_HTTP_LISTEN": "127.0.0.1:0"]) { $1 })
    defer {
      daemon.stop()
      daemon.removeFolder()
    }
    _ = try daemon.waitUntilReady()
    let load = try StreamLoad(streams: streams, features: 16, daemon: daemon)
    try load.send(rounds: run.setting("rounds", 100))
    let end = Deadline(after: 120)
    var status = try daemon.status()
    while status.streams.total < streams, !end.isOver {
      _ = Deadline(after: 0.2).sleep(atMost: 0.2)
      status = try daemon.status()
    }
    guard let address = status.endpoints.http, status.streams.total == streams else {
      throw Failure(
        .temporary, what: "paint", why: "only \(status.streams.total) of \(streams) streams are known",
        remedy: daemon.log())
    }
    var paints: [Double] = []
    var views: [Double] = []
    for round in 0..<run.setting("times", 7) {
      let page = try PageOpening(
        browser, address, profile: daemon.folder.appending(path: "profile-\(round)").path)
      paints.append(page.firstPaint)
      views.append(page.firstView)
    }
    let text = "\(streams) streams, new browser each time, median of \(paints.count)"
    run.report(
      "first paint, \(text)", paints.sorted()[paints.count / 2], "ms", reference: "allowed", 200,
      note: "\(Int(paints.min() ?? 0)) to \(Int(paints.max() ?? 0))")
    run.report(
      "the table of streams is there, \(text)", views.sorted()[views.count / 2], "ms",
      note: "\(Int(views.min() ?? 0)) to \(Int(views.max() ?? 0))")
  }
}

/// The dashboard opened once by a browser that knows nothing yet; the page itself says when it was painted.
///
/// The browser is asked over its debugging pipe: JSON texts, each ended by a zero byte.
private struct PageOpening {
  /// Milliseconds since the address was asked for.
  var firstPaint: Double
  var firstView: Double

  private struct Answer: Decodable {
    struct Result: Decodable {
      struct Value: Decodable { var value: String? }
      var targetId: String?
      var sessionId: String?
      var result: Value?
    }
    var id: Int?
    var result: Result?
  }

  init(_ browser: String, _ address: String, profile: String) throws {
    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    // A shell gives the pipes the numbers that the browser wants.
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c",
      "exec \(browser) --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        + "--remote-debugging-pipe --user-data-dir='\(profile)' --window-size=1200,900 about:blank 3<&0 4>&1",
    ]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    var heard = Data()
    var number = 0
    var session = ""
    func ask(_ method: String, _ parameters: String) throws -> Answer.Result {
      number += 1
      let text = #"{"id":\#(number),"method":"\#(method)","params":\#(parameters)\#(session)}"#
      try input.fileHandleForWriting.write(contentsOf: Data(text.utf8) + [0])
      while true {
        while let end = heard.firstIndex(of: 0) {
          let answer = try JSONDecoder().decode(Answer.self, from: heard[heard.startIndex..<end])
          heard = Data(heard[heard.index(after: end)...])
          if answer.id == number { return answer.result ?? Answer.Result() }
        }
        let piece = output.fileHandleForReading.availableData
        if piece.isEmpty {
          throw Failure(.unavailable, what: browser, why: "it ended", remedy: "run it by hand")
        }
        heard += piece
      }
    }
    let target = try ask("Target.createTarget", #"{"url":"about:blank"}"#).targetId ?? ""
    let attached = try ask("Target.attachToTarget", #"{"targetId":"\#(target)","flatten":true}"#).sessionId
    session = #","sessionId":"\#(attached ?? "")""#
    _ = try ask("Page.navigate", #"{"url":"\#(address)"}"#)
    func figure(_ name: String) throws -> Double {
      let end = Deadline(after: 20)
      while !end.isOver {
        let answer = try ask(
          "Runtime.evaluate", #"{"expression":"document.documentElement.dataset.\#(name) ?? ''"}"#)
        if let value = answer.result?.value.flatMap({ Double($0) }) { return value }
        _ = Deadline(after: 0.05).sleep(atMost: 0.05)
      }
      throw Failure(
        .data, what: browser, why: "the page says nothing of \(name)", remedy: "look at \(address) with it")
    }
    firstPaint = try figure("firstPaint")
    firstView = try figure("firstView")
  }
}
