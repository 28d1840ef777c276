import Events
import Foundation
import Messaging
import Testing
import Wire

@testable import Pipeline

struct IngestReloadTests {
  let context: MessagingContext

  init() throws { context = try MessagingContext() }

  @Test func `other rules hold from the next message on, over the same connection`() throws {
    var settings = IngestSettings(sources: [IngestHarness.source()])
    let harness = try IngestHarness(settings, context: context)
    let sender = try harness.sender()
    try sender.send(text: #"{"stream":"s","a":1,"b":2}"#)
    harness.rows(1)
    settings.sources[0].rules.exclude = ["a"]
    try harness.thread.apply(settings)
    try sender.send(text: #"{"stream":"s","a":3,"b":4}"#)
    #expect(harness.rows(2).map(\.values) == [["a": 1, "b": 2], ["b": 4]])
    #expect(harness.await { $0[0].messages == 2 && $0[0].disconnections == 0 })
  }

  @Test func `sources come and go; those that stay keep their connections and counters`() throws {
    var settings = IngestSettings(sources: [IngestHarness.source("a"), IngestHarness.source("b")])
    let harness = try IngestHarness(settings, context: context)
    let a = try harness.sender(to: 0)
    let b = try harness.sender(to: 1)
    try a.send(text: #"{"stream":"a","x":1}"#)
    try b.send(text: #"{"stream":"b","x":2}"#)
    harness.rows(2)
    settings.sources = [IngestHarness.source("c"), settings.sources[1]]
    try harness.thread.apply(settings)
    #expect(harness.await { $0.map(\.name) == ["c", "b"] && $0[1].messages == 1 })
    let c = try harness.sender(to: 0)
    try c.send(text: #"{"stream":"c","x":3}"#)
    try b.send(text: #"{"stream":"b","x":4}"#)
    #expect(harness.rows(4).suffix(2).compactMap { $0.values["x"] }.sorted() == [3, 4])
    #expect(harness.await { $0[1].messages == 2 })
  }

  @Test func `a source may be replaced on its own port`() throws {
    var settings = IngestSettings(sources: [IngestHarness.source()])
    let harness = try IngestHarness(settings, context: context)
    let endpoint = harness.thread.counters[0].endpoints[0]
    settings.sources[0].endpoints = [endpoint]
    try harness.thread.apply(settings)
    settings.sources[0].receiveHighWater = 17
    try harness.thread.apply(settings)
    #expect(harness.await { $0[0].endpoints == [endpoint] })
    try harness.sender().send(text: #"{"x":1}"#)
    #expect(harness.rows(1).count == 1)
  }

  @Test func `settings that cannot be taken on as a whole are refused as a whole`() throws {
    let other = try Socket(.pull, in: context)
    let taken = try other.bind("tcp://127.0.0.1:*")
    var settings = IngestSettings(sources: [IngestHarness.source("a"), IngestHarness.source("b")])
    let harness = try IngestHarness(settings, context: context)
    settings.sources[0].endpoints = harness.thread.counters[0].endpoints
    try harness.thread.apply(settings)

    var bad = settings
    bad.sources[0].receiveHighWater = 5
    bad.sources[1].rules.exclude = ["x"]
    bad.sources.append(IngestHarness.source("c") { $0.endpoints = [taken] })
    let error = #expect(throws: IngestError.self) { try harness.thread.apply(bad) }
    #expect(error?.description.contains(taken) == true)
    var wrong = settings
    wrong.sources[1].rules.name = "{"
    #expect(throws: IngestError.self) { try harness.thread.apply(wrong) }

    #expect(harness.thread.counters.map(\.name) == ["a", "b"])
    try harness.sender(to: 0).send(text: #"{"stream":"a","x":1}"#)
    harness.rows(1)
    try harness.sender(to: 1).send(text: #"{"stream":"b","x":2}"#)
    #expect(harness.rows(2).map { $0.values["x"] } == [1, 2])
  }
}
