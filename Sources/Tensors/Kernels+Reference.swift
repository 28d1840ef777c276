import COpenBLAS

extension Kernels {
  /// `c = op(a)·op(b)` by OpenBLAS on one thread and nothing else: what ``Product/multiply(_:_:factor:bias:into:accumulate:workers:)`` is
  /// measured against.
  package static func referenceProduct(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, transposed: Bool, _ b: UnsafePointer<Float>,
    otherTransposed: Bool, into c: UnsafeMutablePointer<Float>
  ) {
    _ = Processor.singleThreaded
    unsafe cblas_sgemm(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, otherTransposed ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), 1, a, blasint(transposed ? m : k), b,
      blasint(otherTransposed ? k : n), 0, c, blasint(n))
  }
}
