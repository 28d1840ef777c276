import ArgumentParser
import Control
import Foundation
import Messaging

/// `anomalyctl keygen`: works without a daemon.
struct KeygenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen",
    abstract: "Make a CURVE key pair: NAME.key to give away, NAME.key_secret to keep.",
    discussion: """
      The secret file is security.key of the daemon, or --key of this program; the public file goes into the directory \
      that is named by `allowed` of the socket that is to let its holder in. pyzmq and czmq read both.
      """)
  @Argument(help: "Path and name of the files, without ending.") var name: String
  @Flag(help: "Replace files that are there.") var force = false
  @Flag(help: "Print the public key and the files as JSON.") var json = false

  struct Report: Encodable {
    var publicKey: String
    var publicFile: String
    var secretFile: String
    enum CodingKeys: String, CodingKey {
      case publicKey = "public_key"
      case publicFile = "public_file"
      case secretFile = "secret_file"
    }
  }

  func run() throws {
    let (publicFile, secretFile) = (name + ".key", name + ".key_secret")
    for file in [publicFile, secretFile] where !force && FileManager.default.fileExists(atPath: file) {
      throw Failure(
        .output, what: file, why: "it is there already",
        remedy: "choose another name, or replace it with --force")
    }
    let keys: CurveKeys
    do {
      keys = try CurveKeys.generate()
    } catch {
      throw Failure(.software, what: "key pair", why: "\(error)", remedy: "use a libzmq with CURVE")
    }
    // The secret first: nobody is to be given a public key whose secret could not be written.
    try write(
      CurveFile(publicKey: keys.publicKey, secretKey: keys.secretKey).text, to: secretFile, mode: 0o600)
    try write(CurveFile(publicKey: keys.publicKey, secretKey: nil).text, to: publicFile, mode: 0o644)
    if json {
      Output.write(
        try ControlCoding.json(
          Report(publicKey: keys.publicKey, publicFile: publicFile, secretFile: secretFile)) + "\n")
    } else {
      Output.write(
        "\(secretFile.printable) is the secret: keep it\n\(publicFile.printable) is public: \(keys.publicKey)\n"
      )
    }
  }

  /// Made with its mode, so that the secret is never readable by others, not even for a moment.
  private func write(_ text: String, to file: String, mode: mode_t) throws {
    if force { unsafe unlink(file) }
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw Failure(
        .output, what: file, why: unsafe String(cString: strerror(errno)),
        remedy: "choose a folder that can be written")
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
  }
}
