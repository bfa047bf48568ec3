const RED = "\x1b[31m";
const BOLD_RED = "\x1b[1;31m";
const CYAN = "\x1b[36m";
const PLAIN = "\x1b[0m";

/** Whether what is written to this stream may have colours. See https://no-color.org */
export function takesColor(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (environment.NO_COLOR ?? "") === "" && environment.TERM !== "dumb";
}

/** A traceback with its places and its exception standing out. */
export function paintTraceback(traceback: string): string {
  return traceback
    .split("\n")
    .map((line) => {
      const place = /^( *File )(".*?", line \d+)(.*)$/.exec(line);
      if (place !== null) return `${place[1]}${CYAN}${place[2]}${PLAIN}${place[3]}`;
      const exception = /^([A-Za-z_][\w.]*)(:.*)?$/.exec(line);
      if (exception === null) return line;
      return `${BOLD_RED}${exception[1]}${PLAIN}${exception[2] === undefined ? "" : `${RED}${exception[2]}${PLAIN}`}`;
    })
    .join("\n");
}
