import type { Gate } from "../access/gate.js";
import { failure, json, noContent, refused } from "../http/responses.js";
import type { Route } from "../http/router.js";
import type { SessionRegistry } from "../session/session-registry.js";
import type { TransportRequest } from "../transport/transport.js";

export interface SessionsOptions {
  readonly gate: Gate;
  readonly sessions: SessionRegistry;
}

/** `GET /v1/sessions` and `DELETE /v1/sessions/{id}`: of the key that asks, or all where there are no keys. */
export function sessionRoutes(path: string, { gate, sessions }: SessionsOptions): Readonly<Record<string, Route>> {
  return {
    [path]: {
      methods: ["GET"],
      handle: (request, requestId) => {
        const caller = gate.admit(request);
        if ("code" in caller) return refused(caller, requestId);
        return json(200, { sessions: sessions.list(caller.owner) });
      },
    },
    [`${path}/*`]: {
      methods: ["DELETE"],
      handle: (request, requestId) => {
        const caller = gate.admit(request);
        if ("code" in caller) return refused(caller, requestId);
        const session = sessions.find(idIn(request, path), caller.owner);
        if (session === undefined) return failure("session_unknown", requestId);
        session.dispose("session_deleted");
        return noContent({ "x-request-id": requestId });
      },
    },
  };
}

function idIn(request: TransportRequest, path: string): string {
  return request.path.slice(path.length + 1);
}
