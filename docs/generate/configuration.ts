/** The table of docs/configuration.md, from what `zeroboot serve --help` prints. */
import type { ConfigName } from "../../server/src/config/config.js";
import { CONFIG_HELP, flagOf, variableOf } from "../../server/src/config/help.js";
import { type Sections, table } from "./sections.js";

export const CONFIGURATION_SECTIONS: Sections = {
  settings: () =>
    table(
      ["flag", "variable", "what it does (default)"],
      (Object.keys(CONFIG_HELP) as ConfigName[]).map((name) => {
        const [value, text] = CONFIG_HELP[name];
        return [`\`${flagOf(name)} <${value}>\``, `\`${variableOf(name)}\``, text];
      }),
    ),
};
