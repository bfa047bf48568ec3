/** What the host measured of one execution; whole microseconds. */
export interface Timings {
  /** From the arrival of the request to handing it to the VM. */
  readonly queuedUs: number;
  /** From handing it to the VM to the arrival of its end. 0 when it was never handed over. */
  readonly execUs: number;
}

/** Stopwatch of one execution, started at its making. The guest has no say in it. */
export class Stopwatch {
  readonly #received = process.hrtime.bigint();
  #handed: bigint | undefined;

  handed(): void {
    this.#handed = process.hrtime.bigint();
  }

  read(): Timings {
    const now = process.hrtime.bigint();
    const handed = this.#handed;
    return {
      queuedUs: microseconds((handed ?? now) - this.#received),
      execUs: handed === undefined ? 0 : microseconds(now - handed),
    };
  }
}

function microseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n);
}
