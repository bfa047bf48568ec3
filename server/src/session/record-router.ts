import { creditCost, type ServerFrame } from "@zeroboot/sdk/protocol";
import { GuestKind } from "../../../native/engine.js";
import type { Credit } from "./credit.js";
import type { Execution } from "./execution.js";
import type { FrameSink } from "./frame-sink.js";
import { bundleOf, decodePrompt, errorOf } from "./guest-text.js";
import { type GuestDone, INPUT_PASSWORD, parseDone } from "./link-abi.js";
import { PartOrderError } from "./part-assembler.js";
import type { GuestRecord, RecordReader } from "./record-reader.js";
import { StreamFrames } from "./stream-frames.js";

/** The guest said something that it may not say: its VM is to be ended. */
export class GuestViolation extends Error {
  override readonly name = "GuestViolation";
}

/**
 * What became of a record: `taken`; `held`, because it needs credit, a writable connection or a
 * running execution, so that nothing behind it can be read either; or, taken, it was one of the two
 * that change the session's state.
 */
export type Routed = "taken" | "held" | "identified" | GuestDone;

/**
 * Turns the guest's records into frames. It believes the records' form, which the engine has
 * checked, and of their content nothing but what they say about the guest's own output.
 */
export class RecordRouter {
  readonly #sink: FrameSink;
  readonly #credit: Credit;
  readonly #streams: StreamFrames;
  /** False while the connection has more than it can send. */
  writable = true;

  constructor(sink: FrameSink, credit: Credit) {
    this.#sink = sink;
    this.#credit = credit;
    this.#streams = new StreamFrames(sink);
  }

  /**
   * Route the reader's current record, which there is.
   * @throws GuestViolation
   */
  route(reader: RecordReader, record: GuestRecord, running: Execution | undefined): Routed {
    if (record.execution !== 0 && record.execution !== running?.engineId) {
      throw new GuestViolation(`a record of execution ${record.execution}, which does not run`);
    }
    switch (record.kind) {
      case GuestKind.stdout:
        return this.#stream("stdout", reader, record, running);
      case GuestKind.stderr:
        return this.#stream("stderr", reader, record, running);
      case GuestKind.identity:
        reader.next();
        return "identified";
      case GuestKind.ready:
        throw new GuestViolation("a second ready");
      case GuestKind.display:
        // No frame of this version of the protocol shows it.
        reader.next();
        return "taken";
      default:
        if (running === undefined) throw new GuestViolation(`a record of kind ${record.kind} while nothing runs`);
        return this.#ofExecution(reader, record, running);
    }
  }

  /** Send what is waiting to be sent with more of its kind. */
  flush(): void {
    this.#note(this.#streams.flush());
  }

  /** Send a frame behind everything routed so far. */
  send(frame: ServerFrame): void {
    this.flush();
    this.#note(this.#sink.send(frame));
  }

  #ofExecution(reader: RecordReader, record: GuestRecord, running: Execution): Routed {
    switch (record.kind) {
      case GuestKind.result:
      case GuestKind.error:
        return this.#parts(reader, record, running);
      case GuestKind.inputRequest:
        this.send({
          type: "inputRequest",
          id: running.id,
          prompt: decodePrompt(record.payload),
          password: (record.flags & INPUT_PASSWORD) !== 0,
        });
        reader.next();
        return "taken";
      case GuestKind.done: {
        const done = parseDone(record.payload);
        if (done === undefined) throw new GuestViolation("an unknown way to be done");
        reader.next();
        return done;
      }
      default:
        throw new GuestViolation(`a record of unknown kind ${record.kind}`);
    }
  }

  /** Output of no execution (a thread or child that outlives its cell) waits for the next one to run. */
  #stream(
    stream: "stdout" | "stderr",
    reader: RecordReader,
    record: GuestRecord,
    running: Execution | undefined,
  ): Routed {
    if (running === undefined) return "held";
    const room = this.#room;
    if (room === 0 && record.payload.length > 0) {
      if (!running.discarding) return "held";
      running.truncated = true;
      reader.next();
      return "taken";
    }
    const data = record.payload.length > room ? record.payload.subarray(0, room) : record.payload;
    if (data.length > 0) {
      this.#credit.spend(data.length);
      this.#note(this.#streams.add(stream, running.id, data));
    }
    if (data.length === record.payload.length) reader.next();
    else reader.takePart(data.length);
    return "taken";
  }

  #parts(reader: RecordReader, record: GuestRecord, running: Execution): Routed {
    if (this.#room === 0 && !running.discarding) return "held";
    const isResult = record.kind === GuestKind.result;
    try {
      const whole = (isResult ? running.result : running.error).add(record.flags, record.payload);
      reader.next();
      if (whole === undefined) return "taken";
      if (whole.truncated) running.truncated = true;
      if (this.#room === 0) running.truncated = true;
      else {
        this.#spendAndSend(
          isResult ? { type: "result", id: running.id, bundle: bundleOf(whole) } : errorOf(running.id, whole),
        );
      }
      return "taken";
    } catch (cause) {
      if (cause instanceof PartOrderError) throw new GuestViolation(cause.message, { cause });
      throw cause;
    }
  }

  /** Bytes of output that may be sent now. */
  get #room(): number {
    return this.writable ? this.#credit.available : 0;
  }

  #spendAndSend(frame: ServerFrame): void {
    this.#credit.spend(creditCost(frame));
    this.send(frame);
  }

  #note(writable: boolean): void {
    if (!writable) this.writable = false;
  }
}
