import Foundation
import Generative

extension Catalogue {
  /// The members that the laws of all are checked on: a few of every family within minutes, all of them with
  /// `ANOMALYD_SLOW=1` (`make test-slow`: half an hour in a debug build).
  static let tested: [Entry] =
    ProcessInfo.processInfo.environment["ANOMALYD_SLOW"] != nil
    ? all
    : all.filter {
      [
        "independent", "gaussian", "chow-liu", "pca", "autoencoder", "vae", "gaussian-rbm", "rbm", "made",
        "realnvp",
      ].contains($0.name)
    }
}
