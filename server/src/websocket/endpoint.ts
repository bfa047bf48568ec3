import {
  decodeClientFrame,
  encodeFrame,
  FAILURES,
  type FailureCode,
  FrameError,
  type ServerFrame,
} from "@zeroboot/sdk/protocol";
import type { FrameSink } from "../session/frame-sink.js";
import type { Session } from "../session/session.js";
import type { Connection, ConnectionHandlers } from "../transport/transport.js";

/** Frames over one WebSocket. */
class ConnectionSink implements FrameSink {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  send(frame: ServerFrame): boolean {
    const result = this.#connection.send(encodeFrame(frame));
    // The stream has a hole now; nothing that came after it could be trusted.
    if (result === "dropped") this.end("slow_reader");
    return result === "sent";
  }

  cork(work: () => void): void {
    this.#connection.cork(work);
  }

  end(reason: FailureCode): void {
    this.#connection.close(FAILURES[reason].closeCode ?? FAILURES.internal.closeCode, reason);
  }
}

/**
 * Connect a WebSocket with a session of its own: messages become frames, and however the
 * connection ends, so does the session.
 * @param makeSession makes and starts the session that sends to the sink it is given
 */
export function serveSession(connection: Connection, makeSession: (sink: FrameSink) => Session): ConnectionHandlers {
  const session = makeSession(new ConnectionSink(connection));
  return {
    onMessage(message, isBinary) {
      if (!isBinary) return fail(session, "text_message", FAILURES.text_message.meaning);
      try {
        session.receive(decodeClientFrame(message));
      } catch (error) {
        refuseMessage(session, error);
      }
    },
    onDrain: () => session.drained(),
    onClose: () => session.dispose(),
  };
}

/** Say why there will be no session, and close. @param message more than the code's meaning */
export function refuseConnection(connection: Connection, code: FailureCode, message?: string): ConnectionHandlers {
  const failure = FAILURES[code];
  connection.send(encodeFrame({ type: "failure", code, message: message ?? failure.meaning }));
  connection.close(failure.closeCode ?? FAILURES.internal.closeCode, code);
  return { onMessage() {}, onDrain() {}, onClose() {} };
}

function refuseMessage(session: Session, error: unknown): void {
  // The transport must not be thrown at: that would end the process.
  if (!(error instanceof FrameError)) return session.failed(error);
  if (FAILURES[error.code].closeCode !== null) return fail(session, error.code, error.message);
  session.refuse(error.code, error.frame, error.id, error.message);
}

function fail(session: Session, code: FailureCode, message: string): void {
  session.refuse(code, undefined, undefined, message);
  session.dispose(code, message);
}
