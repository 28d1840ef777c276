// Comparing and choosing lanes by bits: for vectors of Float the standard library's own ways go lane by lane.

/// What a comparison of all 16 thresholds gives.
typealias Mask16 = SIMDMask<SIMD16<Int32>>

extension SIMD16<Float> {
  @inline(__always)
  private var bits: SIMD16<Int32> { unsafe unsafeBitCast(self, to: SIMD16<Int32>.self) }

  /// Where it is below the other: where the difference has its sign set. Both finite.
  @inline(__always)
  func isBelow(_ other: SIMD16<Float>) -> Mask16 { (self - other).bits .< .zero }

  /// Itself where the mask is set, 0 elsewhere.
  @inline(__always)
  func only(where mask: Mask16) -> SIMD16<Float> {
    unsafe unsafeBitCast(bits & unsafeBitCast(mask, to: SIMD16<Int32>.self), to: SIMD16<Float>.self)
  }

  /// Itself where the mask is set, `other` elsewhere.
  @inline(__always)
  func only(where mask: Mask16, else other: SIMD16<Float>) -> SIMD16<Float> {
    let mask = unsafe unsafeBitCast(mask, to: SIMD16<Int32>.self)
    return unsafe unsafeBitCast(bits & mask | other.bits & ~mask, to: SIMD16<Float>.self)
  }

  @inline(__always)
  func atMost(_ bound: SIMD16<Float>) -> SIMD16<Float> { only(where: isBelow(bound), else: bound) }

  @inline(__always)
  func atLeast(_ bound: SIMD16<Float>) -> SIMD16<Float> { only(where: bound.isBelow(self), else: bound) }

  /// In each lane the element before it; the first stays.
  @inline(__always)
  var before: SIMD16<Float> {
    let x = self
    return SIMD16(
      x[0], x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], x[14])
  }

  /// In each lane the element after it; the last stays.
  @inline(__always)
  var after: SIMD16<Float> {
    let x = self
    return SIMD16(
      x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], x[14], x[15], x[15])
  }
}

extension Mask16 {
  /// One bit per lane, that of the first lane lowest.
  @inline(__always)
  var bits: Int32 {
    let bits = unsafe unsafeBitCast(self, to: SIMD16<Int32>.self) & Self.powers
    let eight = bits.lowHalf | bits.highHalf
    let four = eight.lowHalf | eight.highHalf
    let two = four.lowHalf | four.highHalf
    return two[0] | two[1]
  }

  /// The first lanes.
  @inline(__always)
  static func first(_ count: Int) -> Mask16 { places .< SIMD16(repeating: Int32(truncatingIfNeeded: count)) }

  private static var powers: SIMD16<Int32> {
    SIMD16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
  }
  private static var places: SIMD16<Int32> { SIMD16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }
}

extension SIMD8<Float> {
  /// 1 where it is below the other, 0 elsewhere. Both finite.
  @inline(__always)
  func ones(whereBelow other: SIMD8<Float>) -> SIMD8<Float> {
    let mask = unsafe unsafeBitCast(self - other, to: SIMD8<Int32>.self) .< .zero
    let one = SIMD8<Int32>(repeating: Int32(bitPattern: Float(1).bitPattern))
    return unsafe unsafeBitCast(one & unsafeBitCast(mask, to: SIMD8<Int32>.self), to: SIMD8<Float>.self)
  }
}

extension InlineArray where count == 16, Element == Float {
  /// All elements at once, for arithmetic on all of them.
  @inline(__always)
  var lanes: SIMD16<Float> {
    get { unsafe unsafeBitCast(self, to: SIMD16<Float>.self) }
    set { self = unsafe unsafeBitCast(newValue, to: InlineArray<16, Float>.self) }
  }
}
