import Foundation
import Generative

extension Catalogue {
  /// The members that the laws of all are checked on: a few of every family within minutes, all of them with
  /// `ANOMALYD_SLOW=1` (`make test-slow`: a few minutes), some with `ANOMALYD_SLOW=nice,pixelcnn`.
  static let tested: [Entry] = {
    guard let asked = ProcessInfo.processInfo.environment["ANOMALYD_SLOW"] else {
      return all.filter { usual.contains($0.name) }
    }
    let names = Set(asked.split(separator: ",").map(String.init))
    return asked == "1" ? all : all.filter { names.contains($0.name) }
  }()

  private static let usual: Set<String> = [
    "independent", "gaussian", "chow-liu", "pca", "autoencoder", "vae", "gaussian-rbm", "rbm", "made",
    "realnvp",
  ]
}
