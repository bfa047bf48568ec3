import type { Config } from "../config/config.js";
import { flagOf } from "../config/help.js";
import { ServerError } from "../errors.js";

/**
 * What sessions of a server may ask for, the default first, each once.
 * @param known names of all templates that can be made
 * @throws ServerError `config_invalid` for a list with a name that is not known
 */
export function servedNames(
  { template, templates }: Pick<Config, "template" | "templates">,
  known: readonly string[],
): [string, ...string[]] {
  const unknown = templates?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ServerError("config_invalid", `${flagOf("templates")}: there is no template ${JSON.stringify(unknown)}`, {
      remedy: `Templates that can be made: ${known.join(", ")}.`,
    });
  }
  const others = new Set(templates ?? known);
  others.delete(template);
  return [template, ...others];
}
