import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { openApiDocument, openApiRoute } from "../../../../server/src/rest/openapi.js";
import { atOnce, request } from "../request.js";

type Json = Record<string, unknown>;

/** Every `$ref` anywhere below. */
function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === "$ref" && typeof child === "string" ? [child] : refsIn(child),
  );
}

describe("the OpenAPI document", () => {
  const document = openApiDocument("1.2.3");

  it("is one, by the specification's own schema", async () => {
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  it("refers to nothing that is not there", () => {
    const schemas = (document.components as { schemas: Json }).schemas;
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs) expect(schemas).toHaveProperty([ref.replace("#/components/schemas/", "")]);
  });

  it("has an operation id for each operation, once", () => {
    const ids = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      (path) => Object.values(path).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[a-zA-Z]+$/.test(id))).toBe(true);
  });

  it("says what a program's request may be, as it is checked", () => {
    const { ExecRequest } = (document.components as { schemas: Record<string, Json> }).schemas;
    expect(ExecRequest).toMatchObject({
      required: ["code"],
      properties: { timeout_seconds: { type: "integer", minimum: 1, maximum: 300, default: 30 } },
    });
  });

  it("is served to everybody", () => {
    const { status, body, headers } = atOnce(openApiRoute("1.2.3").handle(request(), "r1"));
    expect([status, headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
    expect(JSON.parse(body)).toEqual(document);
  });
});
