import { FAILURES, type FailureCode } from "@zeroboot/sdk/protocol";
import * as z from "zod";
import { json } from "../http/responses.js";
import type { Route } from "../http/router.js";
import {
  batchAnswer,
  batchRequest,
  EXEC_EVENTS,
  errorAnswer,
  execAnswer,
  execRequest,
  healthAnswer,
  MAX_BATCH,
  sessionsAnswer,
} from "./schemas.js";

type Json = Record<string, unknown>;

/** Codes that any request can be refused with, before its path is looked at or its key. */
const ANYWHERE: readonly FailureCode[] = ["request_malformed", "origin_forbidden", "host_forbidden", "internal"];
const WITH_KEY: readonly FailureCode[] = ["unauthorized", "key_expired", "key_not_permitted", "rate_limited"];
const WITH_BODY: readonly FailureCode[] = ["media_type_unsupported", "body_too_large", "invalid_request"];
const WITH_VM: readonly FailureCode[] = [
  "template_unknown",
  "language_unknown",
  "starting",
  "template_building",
  "template_failed",
  "capacity_exhausted",
  "key_capacity_exhausted",
  "shutting_down",
  "fork_failed",
  "identity_refused",
];

/** The API as an OpenAPI 3.1 document: the schemas that requests are checked by, and nothing that is said twice. */
export function openApiDocument(version: string): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Zeroboot",
      version,
      summary: "Programs and sessions in virtual machines of their own.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    // Where this document came from.
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths: {
      "/v1/exec": { post: execOperation("exec") },
      "/exec": { post: { ...execOperation("execAlias"), deprecated: true } },
      "/v1/exec/batch": {
        post: {
          operationId: "execBatch",
          summary: `Run 1 to ${MAX_BATCH} programs, each in a VM of its own.`,
          requestBody: body(schemaWith(batchRequest, { executions: { items: ref("ExecRequest") } })),
          responses: {
            200: answer("The answers, in the order of the request.", ref("BatchAnswer")),
            ...failures([...ANYWHERE, ...WITH_KEY, ...WITH_BODY]),
          },
        },
      },
      "/v1/health": { get: healthOperation("health") },
      "/health": { get: { ...healthOperation("healthAlias"), deprecated: true } },
      "/v1/sessions": {
        get: {
          operationId: "listSessions",
          summary: "The live sessions of the key that asks.",
          responses: { 200: answer("The sessions.", ref("Sessions")), ...failures([...ANYWHERE, ...WITH_KEY]) },
        },
      },
      "/v1/sessions/{id}": {
        delete: {
          operationId: "deleteSession",
          summary: "End a session.",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          responses: {
            204: { description: "It is ended." },
            ...failures([...ANYWHERE, ...WITH_KEY, "session_unknown"]),
          },
        },
      },
      "/v1/metrics": {
        get: {
          operationId: "metrics",
          summary: "Metrics for Prometheus, for a key of the role metrics.",
          responses: {
            200: {
              description: "The text format, version 0.0.4.",
              content: { "text/plain": { schema: { type: "string" } } },
            },
            ...failures([...ANYWHERE, ...WITH_KEY]),
          },
        },
      },
      "/v1/openapi.json": {
        get: {
          operationId: "openapi",
          summary: "This document.",
          security: [],
          responses: { 200: answer("An OpenAPI 3.1 document.", { type: "object" }), ...failures(ANYWHERE) },
        },
      },
    },
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "Of no consequence where the server has no keys." },
      },
      schemas: {
        ExecRequest: schema(execRequest),
        ExecAnswer: schema(execAnswer),
        BatchAnswer: schema(batchAnswer),
        Sessions: schema(sessionsAnswer),
        Health: schema(healthAnswer),
        Error: schema(errorAnswer),
        ...Object.fromEntries(
          Object.entries(EXEC_EVENTS).map(([name, data]) => [`Event.${name}`, schema(data)] as const),
        ),
      },
    },
  };
}

/** `GET` of {@link openApiDocument}, for everybody. */
export function openApiRoute(version: string): Route {
  const response = json(200, openApiDocument(version));
  return { methods: ["GET"], handle: () => response };
}

function execOperation(operationId: string): Json {
  return {
    operationId,
    summary: "Run a program in a VM of its own.",
    description:
      "With `Accept: text/event-stream` the answer is a stream of events, the output among them as it comes; " +
      `the data of each is JSON, described by the schemas ${Object.keys(EXEC_EVENTS)
        .map((name) => `Event.${name}`)
        .join(", ")}.`,
    requestBody: body(ref("ExecRequest")),
    responses: {
      200: {
        description: "The program ran, whatever its exit code.",
        content: {
          "application/json": { schema: ref("ExecAnswer") },
          "text/event-stream": { schema: { type: "string" } },
        },
      },
      ...failures([...ANYWHERE, ...WITH_KEY, ...WITH_BODY, ...WITH_VM]),
    },
  };
}

function healthOperation(operationId: string): Json {
  return {
    operationId,
    summary: "Whether sessions can be had.",
    security: [],
    responses: {
      200: answer("They can.", ref("Health")),
      ...failures(ANYWHERE),
      503: answer("Not yet, or no more.", ref("Health")),
    },
  };
}

/** One response for each status, naming its codes. */
function failures(codes: readonly FailureCode[]): Json {
  const byStatus = new Map<number, FailureCode[]>();
  for (const code of codes) {
    const { httpStatus } = FAILURES[code];
    byStatus.set(httpStatus, [...(byStatus.get(httpStatus) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      answer(named.map((code) => `\`${code}\`: ${FAILURES[code].meaning}`).join(" "), ref("Error")),
    ]),
  );
}

function answer(description: string, schemaOrRef: Json): Json {
  return { description, content: { "application/json": { schema: schemaOrRef } } };
}

function body(schemaOrRef: Json): Json {
  return { required: true, content: { "application/json": { schema: schemaOrRef } } };
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** As who sends it sees it: what has a default may be absent, and a later version may have more fields. */
function schema(type: z.ZodType): Json {
  // The document has one dialect for all its schemas, and it is this one.
  const { $schema: _, ...rest } = z.toJSONSchema(type, { io: "input" });
  return rest;
}

function schemaWith(type: z.ZodType, overrides: Readonly<Record<string, Json>>): Json {
  const made = schema(type);
  const properties = made.properties as Record<string, Json>;
  for (const [name, fields] of Object.entries(overrides)) properties[name] = { ...properties[name], ...fields };
  return made;
}
