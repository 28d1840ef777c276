// swift-tools-version: 6.2
import PackageDescription

// Reads as the table of modules in README.md: imports point down it only (checked by the compiler's explicit
// import check in `make lint` and by Tests/ArchitectureTests).

func strict() -> [SwiftSetting] {
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
  ]
}

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict())
}

/// A module with loops over many numbers or bytes, optimised in debug builds too: tests of models are then thirty times
/// as fast, and overload is tested with events that arrive about as fast as they do in earnest.
func optimised(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies,
    swiftSettings: strict() + [.unsafeFlags(["-O"], .when(configuration: .debug))])
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict())
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: strict())
}

func logging() -> Target.Dependency { .product(name: "Logging", package: "swift-log") }
func arguments() -> Target.Dependency {
  .product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
  name: "anomalyd",
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "anomalyd", targets: ["anomalyd"]),
    .executable(name: "anomalyctl", targets: ["anomalyctl"]),
    .executable(name: "anomalylab", targets: ["anomalylab"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // 0: C, spoken in few rooms
    .systemLibrary(name: "CZeroMQ"),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas"),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd"),
    .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "CVectorMath", cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng"),
    .target(name: "CAllocations"),
    .target(name: "CPages", exclude: ["pages"]),

    // 1: words, sockets, numbers, the service manager, data files
    optimised("Events"),
    module("Messaging", ["CZeroMQ"]),
    optimised("Tensors", ["COpenBLAS", "CVectorMath"]),
    module("Systemd", ["CSystemd", logging()]),
    optimised("Datasets", ["CZlib", "CPNG"]),

    // 2: derivatives, bytes, requests
    optimised("Gradients", ["Tensors"]),
    optimised("Wire", ["Events", "CSimdJSON"]),
    module("Control", ["Events", "Messaging"]),

    // 3 and 4: networks, models, what is kept on disk
    optimised("Networks", ["Gradients", "Tensors"]),
    optimised("Generative", ["Networks", "Gradients", "Tensors"]),
    module("Archive", ["Events", .product(name: "GRDB", package: "GRDB.swift")]),

    // 5 to 7: odd enough to tell someone; the threads; the config file
    optimised("Evaluation", ["Datasets", "Generative", "Networks", "Gradients", "Tensors"]),
    optimised("Detection", ["Events", "Generative", "Tensors"]),
    module("Dashboard", ["Control", "Events", "CPages"]),
    optimised(
      "Pipeline",
      ["Events", "Messaging", "Wire", "Datasets", "Detection", "Archive", "Control", logging()]),
    module("Settings", ["Pipeline", "Dashboard", "Detection", "Wire", "Messaging", "Yams", logging()]),

    // 8: the programs
    program(
      "anomalyd",
      [
        "Settings", "Pipeline", "Dashboard", "Archive", "Control", "Systemd", "Tensors", "Events", logging(),
        arguments(), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    program("anomalyctl", ["Control", "Messaging", "Events", arguments()]),
    program(
      "anomalylab",
      [
        "Settings", "Pipeline", "Detection", "Generative", "Archive", "Wire", "Messaging",
        "Control", "Evaluation", "Networks", "Gradients", "Datasets", "Tensors", "Events", "CAllocations",
        arguments(),
      ]),

    // Each module's tests stand beside an independent truth; programs are started as true binaries.
    tests("Tensors", ["Tensors"]),
    tests("Gradients", ["Gradients", "Tensors"]),
    tests("Networks", ["Networks", "Gradients", "Tensors", "CAllocations"], exclude: ["Fixtures"]),
    tests("Generative", ["Generative", "Networks", "Gradients", "Tensors"], exclude: ["Fixtures"]),
    tests("Messaging", ["Messaging"]),
    tests("Wire", ["Wire", "Events"]),
    tests("Archive", ["Archive", "Events", .product(name: "GRDB", package: "GRDB.swift")]),
    tests("Systemd", ["Systemd", logging()]),
    tests("Datasets", ["Datasets", "Tensors"], exclude: ["Fixtures"]),
    tests("Control", ["Control", "Events", "Messaging"]),
    tests("Dashboard", ["Dashboard", "Control", "Events"]),
    tests("Settings", ["Settings", "Pipeline", "Dashboard", "Detection", "Wire", "Messaging", logging()]),
    tests("Evaluation", ["Evaluation", "Datasets", "Generative", "Networks", "Gradients", "Tensors"]),
    tests("Detection", ["Detection", "Generative", "Tensors", "Events", "CAllocations"]),
    tests("Pipeline", ["Pipeline", "Detection", "Messaging", "Wire", "Archive", "Events"]),
    tests("Program", ["Messaging", "Control", "Events"]),
    tests("Architecture", []),
  ],
  cxxLanguageStandard: .cxx17
)
