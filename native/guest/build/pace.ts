/** Before this much of a step is done its pace says nothing about the rest. */
const PACE_FRACTION = 0.03;

/**
 * How long a step still takes, seconds: by its own pace once there is one, by what was expected before.
 * @param fraction of it that is done, 0-1
 * @returns undefined when nothing is known
 */
export function secondsLeft(
  fraction: number,
  elapsedSeconds: number,
  expectedSeconds: number | undefined,
): number | undefined {
  if (fraction >= 1) return 0;
  if (fraction >= PACE_FRACTION) return (elapsedSeconds * (1 - fraction)) / fraction;
  return expectedSeconds === undefined ? undefined : Math.max(1, expectedSeconds - elapsedSeconds);
}
