/** Ask until `ask` answers something other than undefined. @throws Error past `deadlineMs`, naming `what` */
export async function poll<T>(
  what: string,
  deadlineMs: number,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() - start > deadlineMs) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
