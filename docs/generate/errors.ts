/** The tables of docs/errors.md, from the registries that the code itself uses. */
import { readFileSync } from "node:fs";
import { FAILURES } from "../../client/src/protocol/codes.js";
import { readUnion } from "./registry.js";
import { CLIENT_REMEDIES, ENGINE_REMEDIES, FAILURE_REMEDIES, SERVER_REMEDIES, SETUP_REMEDIES } from "./remedies.js";
import { type Sections, table } from "./sections.js";

const HEADER = ["code", "meaning", "what to do"];

export const ERROR_SECTIONS: Sections = {
  failures: () =>
    table(
      HEADER,
      Object.entries(FAILURES).map(([code, { meaning }]) => row(code, meaning, FAILURE_REMEDIES)),
    ),
  "client-errors": () => unionTable("client/src/errors.ts", "ClientErrorCode", CLIENT_REMEDIES),
  "server-errors": () => unionTable("server/src/errors.ts", "ServerErrorCode", SERVER_REMEDIES),
  "engine-errors": () => unionTable("native/engine.ts", "EngineErrorCode", ENGINE_REMEDIES),
  "setup-errors": () => unionTable("native/guest/build/errors.ts", "SetupErrorCode", SETUP_REMEDIES),
};

function unionTable(path: string, typeName: string, remedies: Readonly<Record<string, string>>): string {
  const source = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  return table(
    HEADER,
    readUnion(source, typeName).map(({ code, meaning }) => row(code, meaning, remedies)),
  );
}

function row(code: string, meaning: string, remedies: Readonly<Record<string, string>>): string[] {
  const remedy = remedies[code];
  if (remedy === undefined) throw new RangeError(`docs/generate/remedies.ts says nothing of ${code}`);
  return [`\`${code}\``, meaning, remedy];
}
