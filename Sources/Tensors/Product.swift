import COpenBLAS
import CVectorMath

/// Matrix products on plain arrays: own kernels for small shapes, OpenBLAS (one thread) for large ones.
///
/// On AVX-512 and AVX2 the own kernel is level with or ahead of OpenBLAS 0.3.21 up to about 128³ (it packs nothing),
/// so layers of the event path never leave it, whichever kernel OpenBLAS chose.
public enum Product {
  /// Multiplications from which packing pays.
  static let large = 4_000_000

  /// `c = op(a) · op(b) (+ c)`: `op(a)` is `m × k`, `op(b)` is `k × n`, `c` is `m × n`, all row-major and contiguous
  /// from their offsets.
  public static func multiply(
    m: Int, n: Int, k: Int, _ a: [Float], at aOffset: Int = 0, transposed aTransposed: Bool = false,
    _ b: [Float], otherAt bOffset: Int = 0, otherTransposed bTransposed: Bool = false,
    into c: inout [Float], at cOffset: Int = 0, accumulate: Bool = false
  ) {
    precondition(
      aOffset >= 0 && aOffset + m * k <= a.count, "a holds \(a.count), not \(aOffset) + \(m) × \(k)")
    precondition(
      bOffset >= 0 && bOffset + k * n <= b.count, "b holds \(b.count), not \(bOffset) + \(k) × \(n)")
    precondition(
      cOffset >= 0 && cOffset + m * n <= c.count, "c holds \(c.count), not \(cOffset) + \(m) × \(n)")
    guard m > 0, n > 0 else { return }
    unsafe c.withUnsafeMutableBufferPointer { c in
      unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: bTransposed ? n * k : 0) { turned in
            unsafe multiply(
              m: m, n: n, k: k, a + aOffset, aTransposed, b + bOffset, bTransposed, c + cOffset, accumulate,
              turned: turned.baseAddress)
          }
        }
      }
    }
  }

  /// The same on pointers, for this module's own files; `turned` is working space for `k × n`, needed when `b` is
  /// transposed and the product small.
  @unsafe static func multiply(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, _ aTransposed: Bool, _ b: UnsafePointer<Float>,
    _ bTransposed: Bool, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool,
    turned: UnsafeMutablePointer<Float>?
  ) {
    if m * n * k >= large {
      _ = Processor.singleThreaded
      unsafe cblas_sgemm(
        CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans,
        blasint(m), blasint(n), blasint(k), 1, a, blasint(aTransposed ? m : k), b,
        blasint(bTransposed ? k : n),
        accumulate ? 1 : 0, c, blasint(n))
      return
    }
    if bTransposed { unsafe vm_transpose(n, k, b, turned) }
    unsafe vm_product(
      m, n, k, a, aTransposed ? 1 : k, aTransposed ? m : 1, bTransposed ? UnsafePointer(turned) : b, n, nil,
      c, n,
      accumulate ? 1 : 0)
  }
}
