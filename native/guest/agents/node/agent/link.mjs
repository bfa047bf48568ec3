/** The addon, whose calls are described in addon/*.cc, and the numbers of link_abi.h. */
import { createRequire } from "node:module";

export const link = createRequire(import.meta.url)("../zblink.node");

export const HOST = { EXECUTE: 0x01, STDIN: 0x02, ENV: 0x04 };
export const EXECUTE_STDIN_OPEN = 0x01;
export const EXECUTE_COMPLETE = 0x02;
export const EXECUTE_CHECK = 0x04;
export const EXECUTE_INSPECT = 0x08;

export const GUEST = {
  READY: 0x81,
  STDOUT: 0x82,
  STDERR: 0x83,
  RESULT: 0x84,
  ERROR: 0x86,
};
export const MIME_TEXT = 0;
export const MIME_JSON = 4;
export const LAST_OF_BUNDLE = 0x40;
export const ERROR_NAME = 0;
export const ERROR_MESSAGE = 1;
export const ERROR_TRACEBACK = 2;
export const DONE_OK = 0;
export const DONE_ERROR = 1;
export const DONE_INTERRUPTED = 2;
export const DONE_TRUNCATED = 0x01;
