import Foundation
import Glibc
import Testing

/// A true Chromium without a window, steered over its debugging pipe: messages are JSON, each ended by a zero byte.
final class Browser {
  static let program = "/usr/bin/chromium"
  static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

  private let running: Running
  private let input: Int32
  private let output: Int32
  private var heard: [UInt8] = []
  private var number = 0
  private var session: String?
  /// What the page complained of: exceptions, refused scripts, failed requests.
  private(set) var complaints: [String] = []

  struct Complaint: Error, CustomStringConvertible { let description: String }

  /// - Parameter size: of the window; that of a phone is 390 × 844.
  init(in folder: URL, size: (width: Int, height: Int) = (1200, 900), dark: Bool = false) throws {
    let pipes = ["in", "out"].map { folder.appending(path: "browser-\(UUID().uuidString)-\($0)").path }
    for pipe in pipes { try #require(unsafe mkfifo(pipe, 0o600) == 0) }
    // Opened for both, so that neither side waits for the other.
    input = unsafe Glibc.open(pipes[0], O_RDWR | O_CLOEXEC)
    output = unsafe Glibc.open(pipes[1], O_RDWR | O_CLOEXEC)
    let command =
      "exec \(Self.program) --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
      + "--remote-debugging-pipe --user-data-dir='\(folder.path)/profile-\(UUID().uuidString)' "
      + "--window-size=\(size.width),\(size.height) about:blank 3<'\(pipes[0])' 4>'\(pipes[1])'"
    running = try Running("/bin/sh", ["-c", command], environment: ["HOME": folder.path], folder: folder)
    let target = try call("Target.createTarget", ["url": "about:blank"])["targetId"] as? String
    let attached = try call(
      "Target.attachToTarget", ["targetId": try #require(target), "flatten": true])["sessionId"]
    session = try #require(attached as? String)
    for domain in ["Runtime", "Log", "Page"] { _ = try call("\(domain).enable") }
    _ = try call(
      "Emulation.setDeviceMetricsOverride",
      ["width": size.width, "height": size.height, "deviceScaleFactor": 1, "mobile": size.width < 600])
    if dark {
      _ = try call(
        "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": "dark"]]])
    }
  }

  deinit {
    running.stop()
    close(input)
    close(output)
  }

  /// One command and its answer.
  @discardableResult
  func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    number += 1
    var message: [String: Any] = ["id": number, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    var bytes = [UInt8](try JSONSerialization.data(withJSONObject: message))
    bytes.append(0)
    try #require(unsafe write(input, bytes, bytes.count) == bytes.count)
    let end = Date().addingTimeInterval(60)
    while Date() < end {
      guard let answer = try next(until: end) else { break }
      if answer["id"] as? Int == number {
        if let error = answer["error"] { throw Complaint(description: "\(method): \(error)") }
        return answer["result"] as? [String: Any] ?? [:]
      }
      note(answer)
    }
    throw Complaint(description: "\(method): no answer; \(running.errors.suffix(500))")
  }

  private func note(_ event: [String: Any]) {
    guard let method = event["method"] as? String else { return }
    if method == "Runtime.exceptionThrown" || method == "Log.entryAdded" {
      complaints.append("\(event["params"] ?? "")")
    }
  }

  private func next(until end: Date) throws -> [String: Any]? {
    while true {
      if let stop = heard.firstIndex(of: 0) {
        let message = Data(heard[..<stop])
        heard.removeSubrange(...stop)
        return try JSONSerialization.jsonObject(with: message) as? [String: Any]
      }
      var item = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&item, 1, Int32(max(0, end.timeIntervalSinceNow * 1000))) > 0 else { return nil }
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      let count = unsafe read(output, &piece, piece.count)
      guard count > 0 else { return nil }
      heard.append(contentsOf: piece[..<count])
    }
  }

  // MARK: The page

  func open(_ address: String) throws { try call("Page.navigate", ["url": address]) }

  /// What an expression is, once it is settled.
  @discardableResult
  func evaluate(_ expression: String) throws -> Any? {
    let answer = try call(
      "Runtime.evaluate", ["expression": expression, "awaitPromise": true, "returnByValue": true])
    if let details = answer["exceptionDetails"] { throw Complaint(description: "\(expression): \(details)") }
    return (answer["result"] as? [String: Any])?["value"]
  }

  func text(_ selector: String) throws -> String {
    try evaluate("document.querySelector(`\(selector)`)?.textContent ?? ''") as? String ?? ""
  }

  /// Waits until an expression is true; fails after half a minute with what the page says.
  func wait(_ expression: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let end = Date().addingTimeInterval(30)
    while Date() < end {
      if try evaluate("!!(\(expression))") as? Bool == true { return }
      Thread.sleep(forTimeInterval: 0.05)
    }
    let page = try text("body")
    throw Complaint(description: "never \(expression) in: \(page.suffix(1500)); \(complaints)")
  }

  func click(_ selector: String) throws {
    try wait("document.querySelector(`\(selector)`)")
    try evaluate("document.querySelector(`\(selector)`).click()")
  }

  func press(_ key: String) throws {
    let text = key.count == 1 ? ["text": key] : [:]
    try call("Input.dispatchKeyEvent", ["type": "keyDown", "key": key].merging(text) { $1 })
    try call("Input.dispatchKeyEvent", ["type": "keyUp", "key": key])
  }

  /// A picture of what is shown, as PNG; kept in the folder that ANOMALYD_SCREENSHOTS names.
  @discardableResult
  func picture(_ name: String) throws -> Data {
    let text = try call("Page.captureScreenshot", ["format": "png"])["data"] as? String
    let data = try #require(text.flatMap { Data(base64Encoded: $0) })
    if let folder = ProcessInfo.processInfo.environment["ANOMALYD_SCREENSHOTS"] {
      try data.write(to: URL(filePath: folder).appending(path: name + ".png"))
    }
    return data
  }
}
