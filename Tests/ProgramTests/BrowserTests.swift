import Control
import Events
import Foundation
import Messaging
import Testing

/// The dashboard of a true daemon in a true browser.
@Suite(.enabled(if: Browser.isInstalled, "needs Debian's chromium")) struct BrowserTests {
  /// A daemon that has learned a stream, on which an incident is open.
  func withIncident(_ body: (TestDaemon, Alert, String) throws -> Void) throws {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder)
      try daemon.learn("web/1 & <b>co</b>")
      try daemon.send("web/1 & <b>co</b>", rows: 40, cpuHigherBy: 3)
      let isOpen = try daemon.wait { try daemon.incident() != nil }
      try #require(isOpen, "no incident")
      let address = try #require(try daemon.status().endpoints.http)
      try body(daemon, try #require(try daemon.incident()), address)
      daemon.running.stop()
    }
  }

  /// The dashboard shows no error of its own, and nothing that its policy refused.
  func expectCalm(_ browser: Browser) { #expect(browser.complaints == []) }

  @Test func `every view shows what is there, and names are texts whatever they hold`() throws {
    try withIncident { daemon, alert, address in
      let browser = try Browser(in: daemon.folder)
      try browser.open(address)
      try browser.wait("document.querySelector('tbody tr td.name')?.textContent === 'web/1 & <b>co</b>'")
      #expect(try browser.evaluate("document.querySelectorAll('main b').length") as? Int == 0)
      #expect(try browser.text("#open-count") == "1")
      try browser.wait(
        "document.querySelector('canvas.wall').width > 0 && document.querySelector('.dot.good')")
      try browser.picture("streams")

      try browser.click("tbody tr td.name a")
      try browser.wait("document.querySelectorAll('canvas.chart').length === 5")
      // Something was drawn on each.
      try browser.wait(
        """
        [...document.querySelectorAll('canvas.chart')].every(canvas => canvas.getContext('2d')
          .getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte))
        """)
      try browser.picture("stream")

      for (view, sign) in [
        (
          "models",
          "[...document.querySelectorAll('.panel b')].map(b => b.textContent).join() === 'autoencoder,rbm'"
        ),
        ("health", "document.querySelectorAll('.tile').length >= 10"),
        (
          "gallery",
          "document.querySelector('#walk') && document.querySelector('#reconstruction') && document.querySelectorAll('canvas.chart').length === 5"
        ),
      ] {
        try browser.evaluate("location.hash = '\(view)'")
        try browser.wait(sign)
        try browser.picture(view)
      }
      // The slider walks through the code: the rows that the model makes of it differ.
      let before = try browser.text(".panel table")
      try browser.evaluate(
        "walk = document.querySelector('#walk'); walk.value = 20; walk.dispatchEvent(new Event('input'))")
      #expect(try browser.text(".panel table") != before)
      expectCalm(browser)
    }
  }

  @Test func `a verdict is said by clicking, is seen on the page and found in the audit log`() throws {
    try withIncident { daemon, alert, address in
      let token = try String(contentsOf: daemon.folder.appending(path: "state/token"), encoding: .utf8)
      let browser = try Browser(in: daemon.folder)
      try browser.open(address + "#incident/" + alert.id)
      // Without the token the buttons ask for it, and nothing happens.
      try browser.click("button[data-verdict=false-alarm]")
      try browser.wait("document.querySelector('#token-dialog').open")
      try browser.evaluate("document.querySelector('#token-input').value = `\(token)`")
      try browser.click("#token-dialog button[value=keep]")
      try browser.wait("document.body.dataset.mayChange === 'yes'")

      try browser.click("button[data-verdict=false-alarm]")
      try browser.wait(
        "document.querySelector('#verdict-dialog').open && document.querySelector('#verdict-preview').textContent.includes('would be false-alarm')"
      )
      try browser.picture("verdict")
      try browser.evaluate("document.querySelector('#verdict-cause').value = 'a test of brakes'")
      try browser.click("#verdict-keep")
      try browser.wait("document.querySelector('#said')?.textContent === 'Said to be: false-alarm'")
      try browser.picture("incident")
      let audit = try daemon.ctl(["audit"])
      #expect(audit.output.contains("label") && audit.output.contains("a test of brakes"))
      #expect(audit.output.contains("by dashboard"))

      try browser.evaluate(
        "[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('Undo')).click()")
      try browser.wait("document.querySelector('[data-verdict]') && !document.querySelector('#said')")
      #expect(try daemon.ctl(["audit"]).output.contains("undo"))
      expectCalm(browser)
    }
  }

  @Test(arguments: [false, true])
  func `a forecast is drawn with its band, and says when a limit is reached`(dark: Bool) throws {
    try withIncident { daemon, _, address in
      let browser = try Browser(in: daemon.folder, dark: dark)
      try browser.open(address)
      try browser.wait("document.querySelector('tbody tr td.name a')")
      try browser.click("tbody tr td.name a")
      try browser.wait("[...document.querySelectorAll('main a')].some(a => a.textContent === 'forecast')")
      try browser.evaluate(
        "[...document.querySelectorAll('main a')].find(a => a.textContent === 'forecast').click()")
      try browser.wait("document.querySelector('#foretold')?.textContent.startsWith('By ')")
      #expect(try browser.text("h2") == "Forecast of web/1 & <b>co</b>")
      #expect(try browser.evaluate("document.querySelectorAll('#forecast-field option').length") as? Int == 4)
      #expect(try browser.text("#reaching") == "")
      // Of a field without an incident, whose band is not thin beside a jump.
      try browser.evaluate(
        "pick = document.querySelector('#forecast-field'); pick.value = 'net'; pick.dispatchEvent(new Event('change'))"
      )
      try browser.wait(
        "document.querySelector('.panel h3').textContent === 'net' && document.querySelector('#foretold').textContent.startsWith('By ')"
      )
      // What came, what is foretold and the band around it, each in its colour, the band only to the right.
      func share(of colour: String, right: Bool) throws -> Double {
        let found = try browser.evaluate(
          """
          (() => {
            const canvas = document.querySelector('canvas.forecast');
            const copy = () => { const fresh = document.createElement('canvas'); fresh.width = canvas.width; fresh.height = canvas.height; return fresh.getContext('2d', { willReadFrequently: true }); };
            const pen = copy(), probe = copy();
            pen.drawImage(canvas, 0, 0);
            probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--\(colour)').trim();
            probe.fillRect(0, 0, 1, 1);
            const want = probe.getImageData(0, 0, 1, 1).data, half = canvas.width / 2;
            const data = pen.getImageData(\(right ? "half" : "0"), 0, half, canvas.height).data;
            let count = 0;
            for (let i = 0; i < data.length; i += 4) if ([0, 1, 2, 3].every(k => Math.abs(data[i + k] - want[k]) < 10)) count++;
            return 4e4 * count / data.length;
          })()
          """)
        return (found as? Double) ?? Double(found as? Int ?? -1)
      }
      try browser.picture(dark ? "forecast-dark" : "forecast")
      #expect(try share(of: "ink", right: false) > 5)
      #expect(try share(of: "accent", right: true) > 1)
      let band = try share(of: "band", right: true)
      let about = try browser.text("#foretold")
      #expect(band > 100, "\(band): \(about)")
      #expect(try share(of: "band", right: false) < 0.2 * share(of: "band", right: true))
      #expect(try share(of: "bad", right: true) == 0)

      func limit(_ field: String, _ value: String) throws -> String {
        try browser.evaluate(
          """
          pick = document.querySelector('#forecast-field'); pick.value = '\(field)';
          limit = document.querySelector('#forecast-limit'); limit.value = '\(value)';
          limit.dispatchEvent(new Event('change')); pick.dispatchEvent(new Event('change'))
          """)
        try browser.wait(
          "document.querySelector('.panel h3').textContent === '\(field)' && document.querySelector('#reaching').textContent.startsWith('\(value)')"
        )
        return try browser.text("#reaching")
      }
      #expect(try limit("mem", "900") == "900 is not reached within 60 s.")
      #expect(try share(of: "bad", right: true) > 1)
      // A wave comes by here.
      let said = try limit("load", "1.1")
      #expect(said.contains("reached") && said.contains(" UTC"), "\(said)")
      #expect(try browser.evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true)
      try browser.picture(dark ? "forecast-limit-dark" : "forecast-limit")
      expectCalm(browser)
    }
  }

  @Test func `it is used with the keyboard alone, on a phone and in the dark`() throws {
    try withIncident { daemon, alert, address in
      let browser = try Browser(in: daemon.folder, size: (390, 844), dark: true)
      try browser.open(address)
      try browser.wait("document.querySelector('tbody tr[data-href]')")
      // Nothing is wider than the screen.
      #expect(try browser.evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true)
      let back = try browser.evaluate("getComputedStyle(document.body).backgroundColor") as? String
      #expect(back == "rgb(20, 23, 26)")
      try browser.press("2")
      try browser.wait(
        "[...document.querySelectorAll('tr[data-href]')].some(row => row.dataset.href.startsWith('#incident/'))"
      )
      try browser.press("j")
      try browser.press("Enter")
      try browser.wait(
        "location.hash === '#incident/\(alert.id)' && document.querySelector('[data-verdict]')")
      #expect(try browser.evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true)
      try browser.picture("phone")
      try browser.press("?")
      try browser.wait("document.querySelector('#keys-dialog').open")
      expectCalm(browser)
    }
  }
}

extension TestDaemon {
  /// The latest statement of the first incident that is open.
  func incident() throws -> Alert? {
    guard case .alerts(let list) = try client.ask(.alerts(AlertQuery(openOnly: true, incidentsOnly: true)))
    else {
      return nil
    }
    return list.alerts.first
  }
}
