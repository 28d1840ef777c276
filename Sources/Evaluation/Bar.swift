import Generative
import Networks

/// A figure that a member of the suite has to reach on data that everybody has: what is trained, on what, and what counts.
public struct Bar: Sendable {
  /// On which side of the bar a figure is good.
  public enum Direction: String, Sendable, Codable {
    case atMost
    case atLeast
  }

  /// Names the bar for those who want this one only, for instance `vae-mnist`.
  public let name: String
  /// What is measured, in a line: model, data, figure.
  public let title: String
  public let unit: String
  public let direction: Direction
  public let must: Double
  public let stretch: Double?
  /// What simple models reach, best first.
  public let baselines: [Baseline]
  /// About how long it takes on one core, seconds.
  public let seconds: Double
  /// How often it is repeated with another seed when nobody says otherwise.
  public let seeds: Int
  /// Does it once.
  public let run: @Sendable (BarRun) throws -> [BarFigure]

  public init(
    _ name: String, _ title: String, unit: String, _ direction: Direction, must: Double,
    stretch: Double? = nil, baselines: [Baseline], seconds: Double, seeds: Int = 1,
    run: @escaping @Sendable (BarRun) throws -> [BarFigure]
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.direction = direction
    self.must = must
    self.stretch = stretch
    self.baselines = baselines
    self.seconds = seconds
    self.seeds = seeds
    self.run = run
  }

  /// Whether a figure is good enough.
  public func holds(_ value: Double, _ limit: Double) -> Bool {
    direction == .atMost ? value <= limit : value >= limit
  }

  /// What something much simpler reaches on the same data.
  public struct Baseline: Sendable, Equatable {
    public let name: String
    public let value: Double
    public init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }
  }
}

/// What a bar is given for one run.
public struct BarRun {
  public var data: SuiteData
  public var seed: UInt64
  public var threads: Int
  /// Seconds of a clock that does not jump.
  public var now: () -> Double
  /// Told how it goes, a line now and then.
  public var note: (String) -> Void

  public init(
    data: SuiteData, seed: UInt64, threads: Int = 1, now: @escaping () -> Double,
    note: @escaping (String) -> Void
  ) {
    self.data = data
    self.seed = seed
    self.threads = threads
    self.now = now
    self.note = note
  }
}

extension BarRun {
  /// A member of the suite fitted to rows with these options and the threads of the run, telling how it goes.
  func fitted(_ name: String, _ rows: Records, _ options: FitOptions) throws -> any TrainedModel {
    guard let entry = Catalogue.entry(named: name) else {
      throw FitError.unsuitable("the suite has no model \(name)")
    }
    var options = options
    options.threads = threads
    let fit = try entry.begin(rows, options)
    var surroundings = FitSurroundings()
    surroundings.now = now
    surroundings.observer = { progress in
      let heldOut = progress.heldOutLoss.map { ", held out \($0)" } ?? ""
      note(
        "\(name): step \(progress.step) of \(progress.steps), loss \(progress.loss)\(heldOut), "
          + "\(Int(progress.rowsPerSecond)) rows/s")
    }
    _ = try fit.run(surroundings)
    return try fit.model()
  }

  /// The same, of a member with a likelihood.
  func fittedDensity(_ name: String, _ rows: Records, _ options: FitOptions) throws -> any LikelihoodModel {
    guard let model = try fitted(name, rows, options) as? any LikelihoodModel else {
      throw FitError.unsuitable("\(name) has no likelihood")
    }
    return model
  }
}

/// A figure that was reached. The first of a run is the one that the bar is about.
public struct BarFigure: Sendable, Equatable {
  public let name: String
  public let value: Double
  /// Of the mean over test rows; nil where there is none.
  public let standardError: Double?

  public init(_ name: String, _ value: Double, standardError: Double? = nil) {
    self.name = name
    self.value = value
    self.standardError = standardError
  }
}

/// The bars of the suite, family by family.
public enum Bars {
  public static let all: [Bar] =
    references + latent + boltzmann + autoregressive + flows + markovChains

  public static func bar(named name: String) -> Bar? { all.first { $0.name == name } }
}
