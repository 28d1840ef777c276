/// A history file made anew with more columns or another size, keeping what fits.
enum HistoryRewriting {
  static func rewrite(
    _ path: String, _ image: HistoryImage, as header: HistoryHeader, seed: UInt64
  ) throws(ArchiveError) {
    let layout = header.layout
    let placed = places(image, layout, seed)
    let end = placed.map { layout.offset(place: $0.place) + layout.blockSize }.max() ?? layout.headerSize
    var bytes = header.encode()
    bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
    var values: [Float] = []
    for (block, place) in placed {
      for at in image.blocks[block].records {
        guard let head = HistoryRecord.head(image.bytes, at: at, size: image.layout.recordSize) else {
          continue
        }
        values.removeAll(keepingCapacity: true)
        HistoryRecord.values(image.bytes, at: at, width: image.layout.width, into: &values)
        HistoryRecord.encode(
          row: head.row, timestamps: [head.timestamp].span, flags: [head.flags].span, values: values.span,
          columns: nil, width: layout.width, into: &bytes,
          at: layout.offset(place: place) + head.row % HistoryLayout.blockRows * layout.recordSize)
      }
    }
    try AtomicFile.write(bytes, to: path, .process)
  }

  /// Which block of the image goes where.
  private static func places(
    _ image: HistoryImage, _ layout: HistoryLayout, _ seed: UInt64
  ) -> [(block: Int, place: Int)] {
    let same =
      image.layout.ringBlocks == layout.ringBlocks && image.layout.reservoirBlocks == layout.reservoirBlocks
    if same { return image.blocks.indices.map { ($0, image.blocks[$0].place) } }
    let newest = image.blocks.last?.number ?? 0
    var placed: [(block: Int, place: Int)] = []
    var older: [Int] = []
    for (index, block) in image.blocks.enumerated() {
      if block.number > newest - layout.ringBlocks {
        placed.append((index, layout.place(ofBlock: block.number)))
      } else {
        older.append(index)
      }
    }
    // Where not all of the older ones fit, a random part of them stays: the sample remains uniform.
    older.sort {
      HistoryLayout.mix(seed ^ UInt64(image.blocks[$0].number))
        < HistoryLayout.mix(seed ^ UInt64(image.blocks[$1].number))
    }
    for (place, index) in older.prefix(layout.reservoirBlocks).enumerated() {
      placed.append((index, layout.ringBlocks + place))
    }
    return placed
  }
}
