import { creditCost, type ServerFrame } from "@zeroboot/sdk/protocol";
import { GuestKind } from "../../../native/engine.js";
import type { Credit } from "./credit.js";
import { Execution } from "./execution.js";
import type { FrameSink } from "./frame-sink.js";
import { bundleOf, decodePrompt, errorOf } from "./guest-text.js";
import type { Job } from "./job.js";
import { type GuestDone, INPUT_PASSWORD, parseDone } from "./link-abi.js";
import type { Stream } from "./output-cap.js";
import { type Assembled, type PartAssembler, PartOrderError } from "./part-assembler.js";
import { Question } from "./question.js";
import type { GuestRecord, RecordReader } from "./record-reader.js";
import { StreamFrames } from "./stream-frames.js";

/** The guest said something that it may not say: its VM is to be ended. */
export class GuestViolation extends Error {
  override readonly name = "GuestViolation";
}

/**
 * What became of a record: `taken`; `held`, because it needs credit, a writable connection or a running
 * cell, so that nothing behind it can be read either; `aside`: it is taken, and to be kept for the next
 * cell; `lost`: it is taken, and of no cell; `exhausted`: the session may have no more output; or, taken, it was one of the two that change
 * the session's state.
 */
export type Routed = "taken" | "held" | "aside" | "lost" | "exhausted" | "identified" | GuestDone;

/**
 * Turns the guest's records into frames. It believes the records' form, which the engine has
 * checked, and of their content nothing but what they say about the guest's own output.
 */
export class RecordRouter {
  readonly #sink: FrameSink;
  readonly #credit: Credit;
  readonly #streams: StreamFrames;
  #outputLeft: number;
  /** False while the connection has more than it can send. */
  writable = true;

  /** @param maxOutputBytes that the session's guests may write, sent or not */
  constructor(sink: FrameSink, credit: Credit, maxOutputBytes: number) {
    this.#sink = sink;
    this.#credit = credit;
    this.#streams = new StreamFrames(sink);
    this.#outputLeft = maxOutputBytes;
  }

  /**
   * Route the reader's current record, which there is.
   * @throws GuestViolation
   */
  route(reader: RecordReader, record: GuestRecord, running: Job | undefined): Routed {
    if (record.execution !== 0 && record.execution !== running?.engineId) {
      throw new GuestViolation(`a record of execution ${record.execution}, which does not run`);
    }
    if (this.#outputLeft < 0) return "exhausted";
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
        return this.#display(reader, record, running);
      default:
        if (running === undefined) throw new GuestViolation(`a record of kind ${record.kind} while nothing runs`);
        return this.#ofJob(reader, record, running);
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

  /** Send the end of a cell's output that went beyond its cap. False: there is no room for all of it now. */
  sendRest(execution: Execution): boolean {
    const { output } = execution;
    if (output.omittedBytes > 0) execution.truncated = true;
    for (let piece = output.peekRest(); piece !== undefined; piece = output.peekRest()) {
      const room = this.#roomFor(execution);
      if (room === 0 && !execution.discarding) return false;
      if (room === 0) cut(execution);
      else this.#sendOutput(piece.stream, execution, piece.data.subarray(0, room));
      output.takeRest(room === 0 ? piece.data.length : Math.min(room, piece.data.length));
    }
    return true;
  }

  #ofJob(reader: RecordReader, record: GuestRecord, running: Job): Routed {
    switch (record.kind) {
      case GuestKind.result:
      case GuestKind.error:
        return this.#parts(reader, record, running);
      case GuestKind.inputRequest:
        if (running instanceof Question) throw new GuestViolation("a request for input by a question");
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
        if (running instanceof Execution && !this.sendRest(running)) return "held";
        reader.next();
        return done;
      }
      default:
        throw new GuestViolation(`a record of unknown kind ${record.kind}`);
    }
  }

  /** Output of no execution (a thread or child that outlives its cell) waits for the next one to run. */
  #stream(stream: Stream, reader: RecordReader, record: GuestRecord, running: Job | undefined): Routed {
    if (running === undefined) return "held";
    if (!(running instanceof Execution)) {
      this.#take(reader, record);
      return "aside";
    }
    const { output } = running;
    if (output.headLeft === 0) {
      output.keep(stream, record.payload);
      return this.#take(reader, record);
    }
    const room = Math.min(this.#roomFor(running), output.headLeft);
    if (room === 0 && record.payload.length > 0) {
      if (!running.discarding) return "held";
      cut(running);
      return this.#take(reader, record);
    }
    const data = record.payload.length > room ? record.payload.subarray(0, room) : record.payload;
    output.sent(data.length);
    this.#sendOutput(stream, running, data);
    if (data.length === record.payload.length) return this.#take(reader, record);
    this.#outputLeft -= data.length;
    reader.takePart(data.length);
    return "taken";
  }

  /** As output of a stream, it may come from a thread that outlives its cell. */
  #display(reader: RecordReader, record: GuestRecord, running: Job | undefined): Routed {
    if (running === undefined) return "held";
    if (!(running instanceof Execution)) {
      this.#take(reader, record);
      return "lost";
    }
    if (this.#room === 0 && !running.discarding) return "held";
    const whole = assembled(running.display, record);
    this.#take(reader, record);
    if (whole === undefined) return "taken";
    if (whole.truncated) running.truncated = true;
    if (this.#roomFor(running) === 0) cut(running);
    else if (whole.bytes > running.output.headLeft) running.truncated = true;
    else {
      running.output.sent(whole.bytes);
      this.#spendAndSend({ type: "display", id: running.id, bundle: bundleOf(whole) });
    }
    return "taken";
  }

  #parts(reader: RecordReader, record: GuestRecord, running: Job): Routed {
    const isCell = running instanceof Execution;
    if (isCell && this.#room === 0 && !running.discarding) return "held";
    const isResult = record.kind === GuestKind.result;
    const whole = assembled(isResult ? running.result : running.error, record);
    this.#take(reader, record);
    if (whole === undefined) return "taken";
    if (running instanceof Question) {
      if (isResult) running.answered(whole);
      return "taken";
    }
    if (whole.truncated) running.truncated = true;
    if (this.#room === 0) running.truncated = true;
    else {
      this.#spendAndSend(
        isResult ? { type: "result", id: running.id, bundle: bundleOf(whole) } : errorOf(running.id, whole),
      );
    }
    return "taken";
  }

  /** Bytes of output that may be sent now. */
  get #room(): number {
    return this.writable ? this.#credit.available : 0;
  }

  /** Of this cell's output: none behind a cut. */
  #roomFor(execution: Execution): number {
    return execution.outputCut ? 0 : this.#room;
  }

  /** Be done with a record, whose payload counts as output. */
  #take(reader: RecordReader, record: GuestRecord): "taken" {
    this.#outputLeft -= record.payload.length;
    reader.next();
    return "taken";
  }

  #sendOutput(stream: Stream, running: Execution, data: Uint8Array): void {
    if (data.length === 0) return;
    this.#credit.spend(data.length);
    this.#note(this.#streams.add(stream, running.id, data));
  }

  #spendAndSend(frame: ServerFrame): void {
    this.#credit.spend(creditCost(frame));
    this.send(frame);
  }

  #note(writable: boolean): void {
    if (!writable) this.writable = false;
  }
}

/** The whole that a record completes. @throws GuestViolation */
function assembled(assembler: PartAssembler, record: GuestRecord): Assembled | undefined {
  try {
    return assembler.add(record.flags, record.payload);
  } catch (cause) {
    if (cause instanceof PartOrderError) throw new GuestViolation(cause.message, { cause });
    throw cause;
  }
}

/** Output of an execution that is stopped is thrown away. */
function cut(execution: Execution): void {
  execution.outputCut = true;
  execution.truncated = true;
}
