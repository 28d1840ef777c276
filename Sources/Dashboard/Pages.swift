import CPages

/// The dashboard's files, which are part of the program.
enum Pages {
  static func response(to request: HTTPRequest) -> HTTPResponse? {
    let path = request.path == "/" ? "/index.html" : request.path
    guard let page = page(path) else { return nil }
    let tag = "\"\(page.tag)\""
    let headers = [("ETag", tag), ("Cache-Control", "no-cache")]
    if request.headers["if-none-match"] == tag {
      return HTTPResponse(304, type: page.type, [], headers: headers)
    }
    return HTTPResponse(type: page.type, page.bytes, headers: headers)
  }

  private struct Page {
    var bytes: [UInt8]
    var type: String
    /// Differs between contents.
    var tag: String
  }

  private static func page(_ path: String) -> Page? {
    guard let found = unsafe cpages_find(path) else { return nil }
    let bytes = unsafe Array(UnsafeBufferPointer(start: found.pointee.bytes, count: found.pointee.length))
    let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return Page(bytes: bytes, type: type(of: path), tag: String(hash, radix: 16))
  }

  private static func type(of path: String) -> String {
    switch path.split(separator: ".").last {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "svg": "image/svg+xml"
    default: "application/octet-stream"
    }
  }
}
