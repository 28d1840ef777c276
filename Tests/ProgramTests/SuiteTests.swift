import Foundation
import Testing

/// `anomalylab` on the models of the suite, as a true program on small files.
@Suite struct SuiteTests {
  /// Rows of eight bits of which four copy the other four, most of the time.
  static func bits(_ count: Int, from first: Int = 0) -> String {
    var text = (0..<8).map { "b\($0)" }.joined(separator: ",") + "\n"
    for row in first..<first + count {
      let hash = UInt64(row + 1) &* 0x9e37_79b9_7f4a_7c15
      let own = (0..<4).map { Int(hash >> (13 * UInt64($0) + 5)) & 1 }
      let copy = own.enumerated().map { place, bit in
        Int(hash >> (57 + UInt64(place))) % 16 == 0 ? 1 - bit : bit
      }
      text += (own + copy).map(String.init).joined(separator: ",") + "\n"
    }
    return text
  }

  /// Pictures of 4 × 4, with a bright column that the label names, as IDX.
  static func pictures(_ count: Int) -> (pictures: [UInt8], labels: [UInt8]) {
    func size(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
    var pictures: [UInt8] = [0, 0, 8, 3] + size(count) + size(4) + size(4)
    var labels: [UInt8] = [0, 0, 8, 1] + size(count)
    for row in 0..<count {
      labels.append(UInt8(row % 4))
      for place in 0..<16 {
        let noise = (row * 31 + place * 17) % 13
        pictures.append(UInt8(place % 4 == row % 4 ? 230 + noise : 10 + noise))
      }
    }
    return (pictures, labels)
  }

  static func write(_ text: String, _ folder: URL, _ name: String) throws -> String {
    let file = folder.appending(path: name)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func lab(_ arguments: String..., seconds: Double = 120) throws -> Programs.Ended {
    try Programs.run("anomalylab", arguments, seconds: seconds)
  }

  /// A line on standard error, and the exit code.
  func expectFailure(_ status: Int32, _ words: String, _ arguments: [String]) throws {
    let ended = try Programs.run("anomalylab", arguments)
    #expect(ended.status == status, "\(arguments): \(ended.errors)")
    #expect(ended.errors.hasPrefix("anomalylab: ") && ended.errors.contains(words), "\(ended.errors)")
    #expect(ended.errors.split(separator: "\n").count == 1)
  }

  /// The first model of the suite that can do this, fitted; nil when there is none.
  func fitted(_ capability: String, _ data: String, _ folder: URL, _ more: [String] = []) throws -> String? {
    let all = try #require(
      try JSONSerialization.jsonObject(with: Data(lab("models", "--json").output.utf8)) as? [[String: Any]])
    for model in all where (model["capabilities"] as? [String])?.contains(capability) == true {
      let name = try #require(model["name"] as? String)
      let out = folder.appending(path: "\(name).anom").path
      let ended = try Programs.run(
        "anomalylab", ["fit", name, "--data", data, "--out", out, "--epochs", "20"] + more, seconds: 120)
      // Not every model suits all rows.
      if ended.status == 65 { continue }
      #expect(ended.status == 0, "\(name): \(ended.errors)")
      return out
    }
    return nil
  }

  @Test func `models lists the suite, and the settings of one`() throws {
    let table = try lab("models")
    #expect(table.status == 0)
    for name in ["made", "autoencoder", "gaussian-rbm", "independent"] {
      #expect(table.lines.contains { $0.hasPrefix(name + " ") }, "\(name)")
    }
    let one = try lab("models", "made", "--json").json()
    #expect(one["family"] as? String == "autoregressive")
    let settings = try #require(one["settings"] as? [[String: String]])
    #expect(settings.contains { $0["name"] == "hidden" })
  }

  @Test func `a model is fitted, inspected, scored, sampled and evaluated`() throws {
    try Programs.withFolder { folder in
      let train = try Self.write(Self.bits(600), folder, "train.csv")
      let test = try Self.write(Self.bits(200, from: 600), folder, "test.csv")
      let model = folder.appending(path: "made.anom").path
      let fit = try lab(
        "fit", "made", "--data", train, "--out", model, "--epochs", "60", "--set", "hidden=32", "--set",
        "rate=0.01")
      #expect(fit.status == 0, "\(fit.errors)")
      let last = try #require(fit.lines.last)
      #expect(last.contains("\"end\":\"finished\"") && last.contains("\"rows\":600"), "\(last)")
      #expect(try XMLDocumentReader.elements(of: folder.appending(path: "made.svg").path).first == "svg")

      let inspected = try lab("inspect", model, "--json").json()
      #expect((inspected["settings"] as? [String: String])?["hidden"] == "32")
      #expect(inspected["parameters"] as? Int ?? 0 >= 2 * 8 * 32)
      #expect((inspected["curve"] as? [[String: Any]])?.isEmpty == false)
      #expect(try lab("inspect", model).output.contains("rows of 8 binary numbers"))

      // Four fair bits and four copies with one error in sixteen: 4 (ln 2 + H(1/16)) = 3.71 nats.
      let report = try lab("evaluate", model, "--data", test, "--train", train, "--json").json()
      let entry = try #require(report["model"] as? [String: Any])
      let likelihood = try #require(entry["log_likelihood"] as? [String: Any])
      let mean = try #require(likelihood["mean"] as? Double)
      #expect(mean < -3.4 && mean > -4.4, "\(mean)")
      #expect(likelihood["kind"] as? String == "exact")
      let bits = try #require(likelihood["bits_per_dimension"] as? Double)
      #expect(abs(bits + mean / 8 / 0.693147) < 1e-4)
      #expect(
        (report["references"] as? [[String: Any]])?.contains { $0["name"] as? String == "independent" }
          == true)

      let scores = folder.appending(path: "scores.csv").path
      #expect(try lab("score", model, "--data", test, "--out", scores).status == 0)
      let lines = try String(contentsOfFile: scores, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 201)
      #expect(lines[0] == "index,score,log_likelihood,kind")
      let sum = lines.dropFirst().reduce(0.0) { $0 + (Double($1.split(separator: ",")[2]) ?? .nan) }
      #expect(abs(sum / 200 - mean) < 1e-4)
      #expect(lines[200].hasPrefix("199,") && lines[200].hasSuffix(",exact"))

      let drawn = folder.appending(path: "drawn.csv").path
      #expect(try lab("sample", model, "--count", "40", "--out", drawn, "--seed", "3").status == 0)
      let rows = try String(contentsOfFile: drawn, encoding: .utf8).split(separator: "\n")
      #expect(rows[0] == "b0,b1,b2,b3,b4,b5,b6,b7")
      let cells = rows.dropFirst().map { $0.split(separator: ",") }
      #expect(cells.count == 40)
      #expect(cells.allSatisfy { $0.allSatisfy { $0 == "0" || $0 == "1" } })
      // It has learned that the second half copies the first.
      let copied = cells.map { row in (0..<4).count { row[$0] == row[$0 + 4] } }
      #expect(copied.reduce(0, +) > 120)
      let again = folder.appending(path: "again.csv").path
      _ = try lab("sample", model, "--count", "40", "--out", again, "--seed", "3")
      #expect(try Data(contentsOf: URL(filePath: drawn)) == Data(contentsOf: URL(filePath: again)))
    }
  }

  @Test func `an interrupted fit goes on to the same bytes`() throws {
    try Programs.withFolder { folder in
      let data = try Self.write(Self.bits(2000), folder, "data.csv")
      func arguments(_ name: String) -> [String] {
        [
          "fit", "made", "--data", data, "--out", folder.appending(path: name).path, "--epochs", "150",
          "--seed", "5",
        ]
      }
      let whole = try Programs.run("anomalylab", arguments("whole.anom"), seconds: 240)
      #expect(whole.status == 0, "\(whole.errors)")
      let running = try Running("anomalylab", arguments("cut.anom"), folder: folder)
      let end = Date().addingTimeInterval(60)
      while running.output.split(separator: "\n").count < 4, Date() < end {
        Thread.sleep(forTimeInterval: 0.01)
      }
      running.signal(SIGTERM)
      #expect(running.wait(seconds: 60))
      #expect(running.status == 75, "\(running.output)")
      #expect(running.errors.contains("the same command with --resume goes on"))
      let checkpoint = folder.appending(path: "cut.anom.checkpoint").path
      #expect(FileManager.default.fileExists(atPath: checkpoint))
      // The model so far can be used.
      #expect(try lab("inspect", folder.appending(path: "cut.anom").path).status == 0)

      try expectFailure(
        64, "was begun with the seed 5, not 6", Array(arguments("cut.anom").dropLast()) + ["6", "--resume"])
      try expectFailure(
        64, "was begun with the settings none", arguments("cut.anom") + ["--set", "hidden=3", "--resume"])
      let resumed = try Programs.run("anomalylab", arguments("cut.anom") + ["--resume"], seconds: 240)
      #expect(resumed.status == 0, "\(resumed.errors)")
      for ending in [".anom", ".svg"] {
        #expect(
          try Data(contentsOf: folder.appending(path: "cut\(ending)"))
            == Data(contentsOf: folder.appending(path: "whole\(ending)")), "\(ending)")
      }
      #expect(!FileManager.default.fileExists(atPath: checkpoint))
      try expectFailure(66, "there is nothing to go on from", arguments("cut.anom") + ["--resume"])
    }
  }

  @Test func `a time limit ends a fit and keeps what is needed to go on`() throws {
    try Programs.withFolder { folder in
      let data = try Self.write(Self.bits(500), folder, "data.csv")
      let out = folder.appending(path: "m.anom").path
      let ended = try lab(
        "fit", "made", "--data", data, "--out", out, "--epochs", "1000000", "--time-limit", "500ms", "--set",
        "patience=0")
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(ended.lines.last?.contains("\"end\":\"time limit\"") == true)
      #expect(FileManager.default.fileExists(atPath: out + ".checkpoint"))
    }
  }

  @Test func `mistakes end with their exit code and one line`() throws {
    try Programs.withFolder { folder in
      let data = try Self.write(Self.bits(100), folder, "data.csv")
      let out = folder.appending(path: "m.anom").path
      try expectFailure(64, "do you mean made?", ["fit", "mad", "--data", data, "--out", out])
      try expectFailure(66, "cannot be opened", ["fit", "made", "--data", data + ".no", "--out", out])
      try expectFailure(
        64, "there is no setting width", ["fit", "made", "--data", data, "--out", out, "--set", "width=3"])
      try expectFailure(
        64, "hidden=many: a number is needed",
        ["fit", "made", "--data", data, "--out", out, "--set", "hidden=many"])
      try expectFailure(
        64, "not of the form key=value", ["fit", "made", "--data", data, "--out", out, "--set", "hidden"])
      try expectFailure(
        64, "[3, 3] does not hold the 8 numbers",
        ["fit", "made", "--data", data, "--out", out, "--shape", "3x3"])
      try expectFailure(
        73, "cannot be created", ["fit", "independent", "--data", data, "--out", "/nowhere/m.anom"])
      // Asked before a training that nobody would wait for.
      try expectFailure(
        73, "cannot be created",
        [
          "fit", "made", "--data", data, "--out", "/nowhere/m.anom", "--epochs", "1000000", "--set",
          "patience=0",
        ])
      let words = try Self.write("a,b\n1,2\n3,big\n", folder, "words.csv")
      try expectFailure(
        65, "words.csv: row 1 (line 3), column \"b\": \"big\" is no number",
        ["fit", "made", "--data", words, "--out", out])
      let few = try Self.write("a,b\n1,0\n", folder, "few.csv")
      try expectFailure(65, "too few to learn from", ["fit", "made", "--data", few, "--out", out])

      let fit = try lab("fit", "made", "--data", data, "--out", out, "--epochs", "1")
      #expect(fit.status == 0, "\(fit.errors)")
      try expectFailure(64, "no known kind", ["sample", out, "--out", folder.path + "/x.xyz"])
      try expectFailure(
        64, "must end with .csv", ["score", out, "--data", data, "--out", folder.path + "/x.npy"])
      try expectFailure(64, "has no codes", ["encode", out, "--data", data, "--out", folder.path + "/x.csv"])
      try expectFailure(
        64, "knows no class", ["sample", out, "--condition", "7", "--out", folder.path + "/x.csv"])
      try expectFailure(65, "is no model of the suite", ["inspect", data])
      let other = try Self.write("a,b\n1,0\n0,1\n", folder, "other.csv")
      try expectFailure(
        65, "has no column b0, which the model was fitted to",
        ["score", out, "--data", other, "--out", folder.path + "/x.csv"])
      let grey = try Self.write(Self.bits(3) + "0,0,2.5,0,0,0,0,0\n", folder, "grey.csv")
      try expectFailure(
        65, "row 3, column \"b2\": 2.5 is not between 0 and 1",
        ["score", out, "--data", grey, "--out", folder.path + "/x.csv"])
      try FileManager.default.removeItem(atPath: out)
      var damaged = try Data(contentsOf: URL(filePath: data))
      damaged.removeLast(3)
      try damaged.write(to: URL(filePath: out))
      try expectFailure(65, "is no model of the suite", ["sample", out, "--out", folder.path + "/x.csv"])
    }
  }

  @Test func `marked rows, labels and columns in another order are understood`() throws {
    try Programs.withFolder { folder in
      var text = "ts,split,x,y,label\n"
      for row in 0..<300 {
        let x = Double(row * 37 % 101) / 50 - 1
        let isOdd = row >= 250 && row % 5 == 0
        text +=
          "\(row),\(row < 250 ? "train" : "test"),\(x),\(isOdd ? -3 * x + 9 : 2 * x + 0.1),\(isOdd ? 1 : 0)\n"
      }
      let data = try Self.write(text, folder, "data.csv")
      let model = folder.appending(path: "a.anom").path
      let fit = try lab("fit", "autoencoder", "--data", data, "--out", model)
      #expect(fit.status == 0, "\(fit.errors)")
      #expect(
        fit.lines.last?.contains("\"rows\":250") == true && fit.lines.last?.contains("\"width\":2") == true)
      let report = try lab("evaluate", model, "--data", data, "--json").json()
      #expect(report["rows"] as? Int == 50)
      let anomalies = try #require(report["anomalies"] as? [String: Any])
      #expect(anomalies["anomalies"] as? Int == 10)
      #expect((anomalies["auroc"] as? Double ?? 0) > 0.9)

      let turned = try Self.write("y,x\n2.1,1\n-1.9,-1\n,0.5\n", folder, "turned.csv")
      let straight = try Self.write("x,y\n1,2.1\n-1,-1.9\n0.5,\n", folder, "straight.csv")
      var results: [String] = []
      for file in [turned, straight] {
        let out = folder.appending(path: "s.csv").path
        #expect(try lab("score", model, "--data", file, "--out", out).status == 0)
        results.append(try String(contentsOfFile: out, encoding: .utf8))
      }
      #expect(results[0] == results[1])
      #expect(results[0].split(separator: "\n").count == 4)
    }
  }

  @Test func `pictures go in as IDX and come out as a grid`() throws {
    try Programs.withFolder { folder in
      let (pictures, labels) = Self.pictures(400)
      let data = folder.appending(path: "pictures.idx").path
      let names = folder.appending(path: "labels.idx").path
      try Data(pictures).write(to: URL(filePath: data))
      try Data(labels).write(to: URL(filePath: names))
      let model = folder.appending(path: "m.anom").path
      let fit = try lab("fit", "made", "--data", data, "--out", model, "--epochs", "40")
      #expect(fit.status == 0, "\(fit.errors)")
      #expect(try lab("inspect", model).output.contains("rows of 4 × 4 unit numbers"))
      let grid = folder.appending(path: "grid.png").path
      #expect(try lab("sample", model, "--count", "9", "--out", grid).status == 0)
      let bytes = try Data(contentsOf: URL(filePath: grid))
      #expect(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]))
      // Three pictures of four pixels and two gaps.
      #expect(bytes[16..<24].elementsEqual([0, 0, 0, 14, 0, 0, 0, 14]))
      // Grey values stand for bits, which are drawn once.
      let report = try lab("evaluate", model, "--data", data, "--json").json()
      #expect(report["is_binarised"] as? Bool == true)

      if let model = try fitted("conditional", data, folder, ["--labels", names]) {
        let out = folder.appending(path: "class.npy").path
        let drawn = try lab("sample", model, "--condition", "2", "--count", "8", "--out", out)
        #expect(drawn.status == 0, "\(drawn.errors)")
        try expectFailure(64, "knows no class \"9\"", ["sample", model, "--condition", "9", "--out", out])
      }
      if let model = try fitted("encode", data, folder) {
        for (name, arguments) in [
          ("codes.csv", ["encode", model, "--data", data, "--labels", names]),
          ("back.png", ["reconstruct", model, "--data", data, "--count", "6"]),
          ("way.png", ["sample", model, "--interpolate", "0", "1", "--data", data, "--count", "5"]),
          ("seeds.npy", ["sample", model, "--interpolate", "0", "1"]),
          ("unit.png", ["sample", model, "--traverse", "0", "--count", "7"]),
        ] {
          let out = folder.appending(path: name)
          let ended = try Programs.run("anomalylab", arguments + ["--out", out.path], seconds: 60)
          #expect(ended.status == 0, "\(name): \(ended.errors)")
          #expect(FileManager.default.fileExists(atPath: out.path))
        }
        let codes = try String(contentsOf: folder.appending(path: "codes.csv"), encoding: .utf8)
        #expect(codes.hasPrefix("code0,") && codes.split(separator: "\n").count == 401)
        #expect(codes.split(separator: "\n")[0].hasSuffix(",label"))
      }
      if let model = try fitted("inpaint", data, folder) {
        let out = folder.appending(path: "filled.idx")
        let ended = try lab(
          "sample", model, "--inpaint", data, "--hide", "bottom", "--count", "5", "--out", out.path)
        #expect(ended.status == 0, "\(ended.errors)")
        let filled = [UInt8](try Data(contentsOf: out))
        // What was there is there still.
        for row in 0..<5 {
          let there = 16 + 16 * row..<16 + 16 * row + 8
          #expect(filled[there].elementsEqual(pictures[there]), "row \(row)")
        }
      }
    }
  }
}
