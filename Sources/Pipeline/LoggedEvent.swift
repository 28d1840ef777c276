public import Logging

/// What is worth finding again in a log: each kind of event has a `MESSAGE_ID` of its own for the journal, for ever.
///
/// `journalctl MESSAGE_ID=…` shows all of a kind, `journalctl -x` explains them (systemd/anomalyd.catalog).
public enum LoggedEvent: String, CaseIterable, Sendable {
  case ready = "ca3d9b855b294e7180445df8745cc539"
  case stopping = "f996b030b08647448150c3e1fa4cec60"
  case stopped = "d4d3bbbe98844778b8e7b16b1e9d2185"
  case reloaded = "b9d51fee1a9441a0b0ee06ce77d04cc5"
  case reloadRefused = "6ea35b32688443969f927b9ad54c6576"
  case alertOpened = "dceb76f663094c6fb76c9fdf7416b31b"
  case alertUpdated = "f88d90e2829d40a6b53b8099e13270db"
  case alertResolved = "d556282a7dc840cf92ccb107db2058c4"
  case alertsLost = "ad7244588e344341a2e010fabd2b731c"
  case learned = "092300e835204b5abd39bdcc3db81fa5"
  case modelKept = "75f972d773ec4013b2815aa6fd52c1c9"
  case trainingFailed = "eb252d5752934701813bd093e8e117de"
  case inputRefused = "65df84f5e03143d7b1955488383a3f94"
  case peerRefused = "9fa65a6329ed458c989025b1f2afa6f9"
  case setAside = "3b44c428394a4e52921b5bb4161129db"
  case noProgress = "3c2ffc91986d4815bcca8eff6c5054f4"

  /// Metadata of an entry, with its id.
  public func metadata(_ more: Logger.Metadata = [:]) -> Logger.Metadata {
    var all = more
    all["MESSAGE_ID"] = "\(rawValue)"
    return all
  }
}
