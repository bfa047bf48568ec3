import { join } from "node:path";
import { REPOSITORY } from "./pages.js";

/** Where the Python SDK and its tests are. */
export const PYTHON_SDK = join(REPOSITORY, "client/python");

/** For a Python that is to find the SDK, and to leave nothing behind in the checkout. */
export const PYTHON_ENVIRONMENT = { PYTHONPATH: PYTHON_SDK, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1" };
