const NO_BREAK = "\u00a0";

/** A time with its unit, to as many digits as can be told apart at its size: `650 µs`, `3.10 ms`, `1.25 s`. */
export function formatMicroseconds(us: number): string {
  if (us < 999.5) return `${Math.round(us)}${NO_BREAK}µs`;
  const ms = us / 1000;
  if (ms < 99.995) return `${ms.toFixed(2)}${NO_BREAK}ms`;
  if (ms < 999.95) return `${ms.toFixed(1)}${NO_BREAK}ms`;
  const seconds = ms / 1000;
  if (seconds < 59.995) return `${seconds.toFixed(2)}${NO_BREAK}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}${NO_BREAK}min${NO_BREAK}${whole % 60}${NO_BREAK}s`;
}

/** A whole number with its thousands apart: `1,048,576`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en");
}
