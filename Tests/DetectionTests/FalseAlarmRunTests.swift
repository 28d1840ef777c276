import Testing

@testable import Detection

/// How far apart false alarms are promised to be.
struct FalseAlarmRunTests {
  @Test func `events between incidents by chance are at least what the ways to open one allow`() {
    var alerts = DetectionSettings.Alerts()
    #expect(abs(FalseAlarmRun.least(alerts) - 4992) < 1)
    // Each nat of a budget's strictness makes what is high e times as rare; half way stays where it was.
    alerts.openAfter = 1
    let (usual, strict) = (FalseAlarmRun.least(alerts), FalseAlarmRun.least(alerts, strictness: 2))
    #expect(usual < 5000 && strict > usual && strict < usual * 7.4)
  }
}
