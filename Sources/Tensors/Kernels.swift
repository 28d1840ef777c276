/// The kernels under tensors and gradients, on pointers, for this package's own modules.
///
/// Matrices are row-major. Extents and pointers are the caller's responsibility: whoever holds the storage checks once and then
/// calls many. Every kernel may be called on a range of rows (or elements) by several threads at once and gives the
/// same bits for every such division; where that needs a condition it is said. Nothing here keeps state or allocates,
/// unless it is said. `accumulate` adds to what the output holds, otherwise the output may hold anything.
package enum Kernels {}
