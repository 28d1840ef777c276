import Foundation
import Gradients
import Networks
import Tensors
import Testing

/// Python's safetensors (https://github.com/huggingface/safetensors) as the other side.
struct SafetensorsTests {
  /// The Python named by `ANOMALYLAB_PYTHON`, or `python3`, when it has safetensors and numpy.
  static let python: String? = {
    let name = ProcessInfo.processInfo.environment["ANOMALYLAB_PYTHON"] ?? "python3"
    return (try? run(name, "-c", "import safetensors.numpy")) == nil ? nil : name
  }()

  /// What a program prints; throws when it cannot be run or fails.
  static func run(_ arguments: String...) throws -> Data {
    struct Failed: Error {}
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed() }
    return data
  }

  /// A file as Python reads it: shapes, and numbers by their bits.
  struct Content: Decodable {
    struct Array: Decodable {
      let shape: [Int]
      let bits: [UInt32]
    }
    let metadata: [String: String]
    let tensors: [String: Array]
  }

  static func content(of bytes: [UInt8], python: String) throws -> Content {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).safetensors")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = """
      import json, sys
      from safetensors import safe_open
      with safe_open(sys.argv[1], "numpy") as file:
          tensors = {name: file.get_tensor(name) for name in file.keys()}
          print(json.dumps({
              "metadata": file.metadata() or {},
              "tensors": {k: {"shape": v.shape, "bits": v.view("<u4").ravel().tolist()} for k, v in tensors.items()}}))
      """
    return try JSONDecoder().decode(Content.self, from: run(python, "-c", script, file.path()))
  }

  static func expectSame(_ content: Content, _ weights: Weights) {
    #expect(content.metadata == weights.metadata)
    #expect(content.tensors.keys.sorted() == weights.tensors.keys.sorted())
    for (name, tensor) in weights.tensors {
      #expect(content.tensors[name]?.shape == Array(tensor.shape), "\(name)")
      #expect(content.tensors[name]?.bits == tensor.values.map(\.bitPattern), "\(name)")
    }
  }

  @Test(.enabled(if: python != nil, "no Python with safetensors"))
  func `Python reads weights and training states as they are`() throws {
    let python = try #require(Self.python)
    let weights = Weights(
      WeightsTests.weights.tensors.merging(
        ["one number": .scalar(0.5), "none": Tensor([], shape: [0, 3])], uniquingKeysWith: { $1 }),
      metadata: WeightsTests.weights.metadata)
    Self.expectSame(try Self.content(of: weights.encode(), python: python), weights)
    let state = try TrainingStateTests.trained()
    let content = try Self.content(of: state.encode(), python: python)
    Self.expectSame(content, try Weights(decoding: state.encode()))
    for entry in state.parameters.entries {
      #expect(content.tensors[entry.name]?.shape == Array(entry.slot.shape))
      #expect(content.tensors[entry.name]?.bits == state.parameters[entry.slot].values.map(\.bitPattern))
    }
  }

  /// See `Fixtures/make_safetensors.py`.
  @Test func `a file that Python wrote is read`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/python.safetensors")
    let weights = try Weights(decoding: Array(Data(contentsOf: file)))
    #expect(
      weights
        == Weights(
          [
            "encoder.weight": Tensor([0, 0.125, 0.25, 0.375, 0.5, 0.625], shape: [2, 3]),
            "encoder.bias": Tensor([1.5, -2.25, .leastNonzeroMagnitude], shape: [3]),
            "scale": .scalar(0.5), "empty": Tensor([], shape: [0, 4]),
          ], metadata: ["model": "a “small” one"]))
  }
}
