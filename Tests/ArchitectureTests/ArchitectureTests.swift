import Foundation
import Testing

/// The rules of the house, held against the sources themselves. Each rule is shown to be able to fail by
/// ``RulesThatCanFailTests``.
@Suite struct ArchitectureTests {
  static let shared = SourceTree.ofThisPackage()
  var tree: SourceTree { Self.shared }

  @Test func `imports point down the table only`() {
    #expect(tree.files.count > 20)
    #expect(Rules.imports(tree) == [])
  }

  @Test func `C libraries are named in their own module only`() {
    #expect(Rules.vocabulary(tree) == [])
  }

  @Test func `only programs print or decide an exit code`() {
    #expect(Rules.rim(tree) == [])
  }

  @Test func `threads, tasks and locks live where the map says`() {
    #expect(Rules.concurrency(tree) == [])
  }

  @Test func `clocks and the environment are read at the rim`() {
    #expect(Rules.effects(tree) == [])
  }

  @Test func `a file fits in one sitting`() {
    #expect(Rules.length(tree, most: 400) == [])
  }

  @Test func `nothing is left unfinished and nothing ends the process by surprise`() {
    #expect(Rules.unfinished(tree) == [])
  }

  @Test func `the README's map names every module`() throws {
    let readme = try String(contentsOf: tree.root.appending(path: "README.md"), encoding: .utf8)
    for module in tree.modules {
      #expect(readme.contains("`\(module)`"), "README.md does not name \(module)")
    }
  }

  @Test func `the top level holds what it should and nothing else`() throws {
    let allowed: Set = [
      "Package.swift", "Package.resolved", "Sources", "Tests", "systemd", "config", "README.md", "Makefile",
    ]
    let found = try FileManager.default.contentsOfDirectory(atPath: tree.root.path).filter {
      !$0.hasPrefix(".")
    }
    #expect(Set(found).subtracting(allowed) == [])
  }
}

@Suite struct RulesThatCanFailTests {
  func tree(_ module: String, _ text: String) -> SourceTree {
    SourceTree(
      root: URL(filePath: "/"),
      files: [
        SourceFile(module: module, name: "\(module)/File.swift", lines: text.components(separatedBy: "\n"))
      ])
  }

  @Test func `an upward import is found`() {
    #expect(Rules.imports(tree("Tensors", "public import Detection")).count == 1)
    #expect(Rules.imports(tree("Nowhere", "import Events")).count == 1)
    #expect(Rules.imports(tree("Wire", "import Events")) == [])
  }

  @Test func `a foreign C call is found, a comment is not`() {
    #expect(Rules.vocabulary(tree("Detection", "  cblas_sgemm(1)")).count == 1)
    #expect(Rules.vocabulary(tree("Detection", "  // cblas_sgemm(1)")) == [])
    #expect(Rules.vocabulary(tree("Tensors", "  cblas_sgemm(1)")) == [])
  }

  @Test func `a print, an exit, a thread and a clock in the wrong room are found`() {
    #expect(Rules.rim(tree("Wire", "print(1)")).count == 1)
    #expect(Rules.rim(tree("Pipeline", "exit(1)")).count == 1)
    #expect(Rules.concurrency(tree("Detection", "let l = Mutex(0)")).count == 1)
    #expect(Rules.effects(tree("Detection", "let now = Date()")).count == 1)
    #expect(Rules.length(tree("Wire", "a\nb\nc"), most: 2).count == 1)
    #expect(Rules.unfinished(tree("Wire", "try! f()")).count == 1)
  }
}
