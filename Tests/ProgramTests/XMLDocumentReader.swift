import Foundation
import FoundationXML
import Testing

/// Reads XML with Foundation's own parser: the proof that a picture is well formed.
final class XMLDocumentReader: NSObject, XMLParserDelegate {
  private var names: [String] = []

  /// The names of all elements, in order.
  static func elements(of path: String) throws -> [String] {
    let parser = XMLParser(data: try Data(contentsOf: URL(filePath: path)))
    let reader = XMLDocumentReader()
    parser.delegate = reader
    try #require(parser.parse(), "\(path) is not well formed: \(String(describing: parser.parserError))")
    return reader.names
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String] = [:]
  ) {
    names.append(name)
  }
}
