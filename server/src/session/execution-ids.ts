const LAST_ID = 0xffff;

/**
 * The numbers by which engine and guest know a session's executions: 1-65535, assigned by the
 * host in order, so that none is used again before 65,534 others were.
 */
export class ExecutionIds {
  #last = 0;

  next(): number {
    this.#last = this.#last === LAST_ID ? 1 : this.#last + 1;
    return this.#last;
  }
}
