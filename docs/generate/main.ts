/** `npm run docs`: writes the generated sections of the pages anew. */
import { writeFileSync } from "node:fs";
import { generatedPages } from "./pages.js";

for (const { path, url, current, wanted } of generatedPages()) {
  if (current === wanted) continue;
  writeFileSync(url, wanted);
  process.stdout.write(`${path} was out of date\n`);
}
