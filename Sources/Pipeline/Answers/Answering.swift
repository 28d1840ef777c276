import Archive
public import Control
import Detection
import Events
import Foundation
import Synchronization

extension AnomalyPipeline {
  /// Answers one control request; called on the control thread, may wait for a shard between two of its batches.
  public func answer(_ request: ControlRequest) -> ControlReply {
    do {
      switch request {
      case .status: return .status(statusReport())
      case .streams(let query): return .streams(streamList(query))
      case .stream(let name): return .stream(try streamDetail(name))
      case .alerts(let query): return .alerts(try alertList(query))
      case .explain(let id): return .explanation(try explanation(of: id))
      case .acknowledge(let id, let by, let note): return .done(try acknowledge(id, by: by, note: note))
      case .silence(let stream, let seconds): return .done(try silence(stream, seconds: seconds))
      case .unsilence(let stream): return .done(try unsilence(stream))
      case .models(let stream): return .models(try modelList(stream))
      case .snapshots(let stream): return .snapshots(try snapshotList(stream))
      case .retrain(let stream): return .done(try retrain(stream))
      case .revert(let stream, let snapshot): return .done(try revert(stream, to: snapshot))
      case .promote(let stream, let snapshot): return .done(try promote(stream, snapshot))
      case .retain(let stream, let snapshot, let release):
        return .done(try retain(stream, snapshot, release: release))
      case .diff(let stream, let first, let second): return .diff(try diff(stream, first, second))
      case .rerun(let id): return .rerun(try rerun(id))
      case .reload: return try reloadReply()
      case .check(let file, let text): return .check(check(file, text))
      case .sample(let stream, let model, let count, let seed):
        return .sample(try sample(stream, model: model, count: count, seed: seed))
      case .doctor: return .doctor(doctorReport())
      case .trace(let stream, let count): return .trace(try trace(stream, count: count))
      case .traverse(let stream, let model, let unit, let count):
        return .traversal(try traverse(stream, model: model, unit: unit, count: count))
      case .label(let order): return .verdict(try label(order))
      case .undo(let by): return .verdict(try undo(by: by))
      case .forget(let order): return .verdict(try forget(order))
      case .power(let stream): return .power(try power(of: stream))
      case .drift(let stream): return .drift(try drift(of: stream))
      case .forecast(let query): return .forecast(try forecast(query))
      case .audit(let limit): return .audit(try audit(limit: limit))
      }
    } catch let failure as Failure {
      return .failure(failure)
    } catch let error as ArchiveError {
      return .failure(
        Failure(.io, what: request.command, why: "\(error)", remedy: "see `anomalyctl doctor`"))
    } catch {
      return .failure(
        Failure(.software, what: request.command, why: "\(error)", remedy: "see the daemon's log"))
    }
  }

  private func reloadReply() throws -> ControlReply {
    try alerts.log("reload", arguments: around.configPath ?? "", outcome: "asked", at: Clocks.wall())
    let report = reload()
    if report.accepted { return .done(Done("configuration \(report.message)")) }
    return .failure(
      Failure(.configuration, what: "reload", why: report.message, remedy: "mend the file and reload again"))
  }

  /// Runs `question` on the shard that has the stream.
  func onShard<Answer: Sendable>(
    of stream: String, _ question: @escaping @Sendable (inout ShardState, Int) -> Answer
  ) throws -> Answer {
    for shard in shards {
      let answer = shard.ask { state -> Answer? in
        guard let local = state.local(named: stream) else { return nil }
        return question(&state, local)
      }
      guard let answer else {
        throw Failure(.temporary, what: "shard \(shard.index)", why: "no answer in 5 s", remedy: "try again")
      }
      if let answer { return answer }
    }
    throw Failure.unknownStream(stream)
  }

  /// Runs `question` on every shard.
  func onEveryShard<Answer: Sendable>(_ question: @escaping @Sendable (inout ShardState) -> Answer)
    -> [Answer]
  {
    shards.compactMap { $0.ask(question) }
  }

  /// A path of the state for the report: how large it is and how much room is left.
  func stateReport() -> StateReport {
    var report = StateReport()
    report.path = folder.path
    report.bytes = size.withLock { [path = folder.path] in $0.update(path, now: Clocks.monotonic()) }
    let values = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    report.freeBytes = (values?[.systemFreeSize] as? NSNumber)?.uint64Value ?? 0
    report.setAside = life.withLock { $0.damaged.count }
    let shardReports = onEveryShard { ($0.counters.lastStorageError, $0.saver.savedAt) }
    report.lastSavedAt = shardReports.compactMap(\.1).min()
    report.problem = shardReports.compactMap(\.0).first ?? publisher.counters.lastError
    report.healthy = report.problem == nil
    return report
  }
}
