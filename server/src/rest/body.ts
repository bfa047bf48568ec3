import type * as z from "zod";
import { failure } from "../http/responses.js";
import type { Logger } from "../logger.js";
import type { DeferredAnswer, StreamedResponse, TransportRequest, TransportResponse } from "../transport/transport.js";
import { MAX_BODY_BYTES } from "./schemas.js";

/** A body that is not what it should be. */
export class BodyError extends Error {
  override readonly name = "BodyError";
}

/** Whether a request says that its body is JSON. A page of another origin cannot say so without being asked first. */
export function isJson(request: TransportRequest): boolean {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  return type.trim().toLowerCase() === "application/json";
}

/**
 * The answer to a request with a JSON body.
 * @param answer with the parsed body; may throw BodyError
 */
export function withJsonBody(
  requestId: string,
  log: Logger,
  answer: (body: unknown, gone: AbortSignal) => Promise<TransportResponse | StreamedResponse>,
): DeferredAnswer {
  return {
    maxBodyBytes: MAX_BODY_BYTES,
    tooLarge: () => failure("body_too_large", requestId),
    answer: async (bytes, gone) => {
      try {
        return await answer(parseJson(bytes), gone);
      } catch (error) {
        if (error instanceof BodyError) return failure("invalid_request", requestId, {}, error.message);
        log.error({ err: error, requestId }, "a request could not be answered");
        return failure("internal", requestId);
      }
    },
  };
}

/** @throws BodyError naming the field */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  throw new BodyError(path === "" ? `the body: ${issue?.message}` : `${path}: ${issue?.message}`);
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BodyError("the body is not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError("the body is not JSON");
  }
}
