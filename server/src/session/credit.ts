/**
 * Flow control towards one client: payload bytes of stdout, stderr, result and error it is still
 * willing to take. A stream never exceeds the credit; a result or an error is sent whole as long
 * as any credit is left, so that the balance may go below zero by one of them at most.
 */
export class Credit {
  #balance: number;
  readonly #ceiling: number;

  /**
   * @param initial bytes
   * @param ceiling bytes; more is not remembered, so that no sum overflows
   */
  constructor(initial: number, ceiling: number) {
    this.#balance = initial;
    this.#ceiling = ceiling;
  }

  /** Bytes that may be sent now; 0 when exhausted. */
  get available(): number {
    return Math.max(0, this.#balance);
  }

  spend(bytes: number): void {
    this.#balance -= bytes;
  }

  grant(bytes: number): void {
    this.#balance = Math.min(this.#ceiling, this.#balance + bytes);
  }
}
