import COpenBLAS
import CVectorMath
import Glibc

/// What the processor offers, which kernel OpenBLAS chose for it, and how to put a poor choice right.
///
/// Older OpenBLAS releases do not know newer chips and fall back to a kernel without AVX (a quarter of the speed, or
/// less). Its kernel is chosen once, when the library loads, so the remedy is to begin again with
/// `OPENBLAS_CORETYPE` set.
public enum Processor {
  /// Instruction sets that kernels make use of.
  public struct Features: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// AVX2 and FMA.
    public static let avx2 = Features(rawValue: Int(VM_AVX2_FMA))
    /// AVX-512 F, DQ, BW and VL.
    public static let avx512 = Features(rawValue: Int(VM_AVX512_SKX))
    public static let avx512bf16 = Features(rawValue: Int(VM_AVX512_BF16))
  }

  public static var features: Features { Features(rawValue: Int(vm_cpu_features())) }

  /// The kernel that OpenBLAS runs, for instance `SkylakeX`.
  public static var kernel: String {
    guard let name = unsafe openblas_get_corename() else { return "unknown" }
    return unsafe String(cString: name)
  }

  /// The kernel to ask for, or nil when the one in use makes full use of the processor.
  ///
  /// `SkylakeX` serves every AVX-512 chip: `Cooperlake` and `SapphireRapids` measured no faster in single precision.
  public static func betterKernel(than kernel: String, with features: Features) -> String? {
    let wide = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    // A library that chose Zen knows the chip; its AVX2 kernels are the ones it has for it.
    let middle = wide + ["Haswell", "Zen", "Excavator"]
    let uses = { (names: [String]) in names.contains { $0.lowercased() == kernel.lowercased() } }
    if features.contains(.avx512), !uses(middle) { return "SkylakeX" }
    if features.contains(.avx512), kernel.lowercased() == "haswell" { return "SkylakeX" }
    if features.contains(.avx2), !uses(middle) { return "Haswell" }
    return nil
  }

  /// One line for a start-up log: the kernel, and what the processor would allow.
  public static var summary: String {
    let offered = features
    let widest = offered.contains(.avx512) ? "AVX-512" : offered.contains(.avx2) ? "AVX2" : "no AVX2"
    guard let better = betterKernel(than: kernel, with: offered) else {
      return "OpenBLAS kernel \(kernel), processor with \(widest)"
    }
    return "OpenBLAS kernel \(kernel), slower than \(better) which this processor (\(widest)) allows"
  }

  /// OpenBLAS is held to one thread: parallelism is by shard and by trainer.
  static let singleThreaded: Void = openblas_set_num_threads(1)

  /// Lets the C library give freed memory back to the system, for a program that runs for months.
  ///
  /// To be called first in `main`. By default glibc keeps a heap for each thread, and keeps blocks of up to 32 MiB in them once one
  /// of that size was freed: what a training needed for a second would stay, in holes between what streams keep, and resident
  /// memory would creep up with each restart and training. It costs 5 % of a fit in the time of the system (page faults). Does
  /// nothing where the C library is another.
  public static func giveMemoryBack() { vm_give_memory_back() }

  private static let marker = "ANOMALYD_KERNEL_RESTART"

  /// Begins the program again with a faster OpenBLAS kernel when the one in use is below what the processor offers.
  ///
  /// To be called first in `main`, before any thread or file exists. Does nothing when the kernel is right, when
  /// `OPENBLAS_CORETYPE` is set already (the user's word), or after one restart; never fails: what cannot be
  /// improved runs on as it is.
  public static func restartWithFasterKernel() {
    guard unsafe getenv("OPENBLAS_CORETYPE") == nil, unsafe getenv(marker) == nil,
      let better = betterKernel(than: kernel, with: features)
    else { return }
    unsafe setenv(marker, kernel, 1)
    unsafe setenv("OPENBLAS_CORETYPE", better, 1)
    _ = vm_restart()
    unsafe unsetenv("OPENBLAS_CORETYPE")
  }
}
