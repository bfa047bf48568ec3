/** The tables of docs/API.md, from the schemas that requests are checked by and answers are typed by. */
import * as z from "zod";
import { EXEC_EVENTS, execAnswer, execRequest } from "../../server/src/rest/schemas.js";
import { type Sections, table } from "./sections.js";

interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

export const API_SECTIONS: Sections = {
  "exec-request": () => fields(schemaOf(execRequest)),
  "exec-answer": () => fields(schemaOf(execAnswer)),
  "exec-events": () =>
    table(
      ["event", "data", ""],
      Object.entries(EXEC_EVENTS).map(([name, data]) => {
        const schema = schemaOf(data);
        return [`\`${name}\``, dataOf(name, schema), schema.description ?? ""];
      }),
    ),
};

function schemaOf(type: z.ZodType): FieldSchema {
  return z.toJSONSchema(type, { io: "input" }) as FieldSchema;
}

/** @throws RangeError for a field that nobody has described */
function fields({ properties = {} }: FieldSchema): string {
  return table(
    ["field", "type", ""],
    Object.entries(properties).map(([name, field]) => {
      if (field.description === undefined) throw new RangeError(`the field ${name} is not described`);
      return [`\`${name}\``, typeOf(field), field.description];
    }),
  );
}

function typeOf({ type, items, additionalProperties }: FieldSchema): string {
  if (type === "array" && items !== undefined) return `array of ${typeOf(items).replace(/^\w+/, "$&s")}`;
  if (type === "object" && additionalProperties?.type !== undefined) {
    return `object of ${additionalProperties.type}s`;
  }
  return type ?? "";
}

function dataOf(name: string, { properties }: FieldSchema): string {
  if (name === "done") return "as above, without the output";
  if (properties === undefined) return "object of strings";
  return Object.keys(properties)
    .map((field) => `\`${field}\``)
    .join(", ");
}
