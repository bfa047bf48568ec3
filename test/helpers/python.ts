import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY } from "./pages.js";

/** Where the Python SDK and its tests are. */
export const PYTHON_SDK = join(REPOSITORY, "client/python");

/** For a Python that is to find the SDK, and to leave nothing behind in the checkout. */
export const PYTHON_ENVIRONMENT = { PYTHONPATH: PYTHON_SDK, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1" };

const isThere = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;

/**
 * Whether to leave out what the Python SDK does, which needs a `python3` of 3.9 or later and is nothing that the
 * project itself runs on. REQUIRE_PYTHON=1 makes it fail there instead.
 */
export const WITHOUT_PYTHON = !isThere && process.env.REQUIRE_PYTHON !== "1";
if (WITHOUT_PYTHON)
  console.warn("\n  THE PYTHON SDK IS NOT TESTED: there is no python3 of 3.9 or later (apt-get install python3)\n");
