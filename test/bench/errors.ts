/** A measurement cannot be made or went wrong. */
export class BenchError extends Error {
  override readonly name = "BenchError";
  readonly code = "bench_failed";
}
