import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPython } from "../../../../native/guest/build/container/interpreter.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "zeroboot-interpreter-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of this machine, which is for x86-64 and linked with glibc: it is looked at, never run. */
function program(path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync("/bin/true", join(root, path));
}
function file(path: string, content = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
const refused = (message: RegExp) =>
  expect(findPython(root)).rejects.toMatchObject({
    code: "container_invalid",
    message: expect.stringMatching(message),
  });

describe("a container's interpreter", () => {
  it("is the one that was installed before the distribution's, also behind links", async () => {
    program("usr/bin/python3.11");
    file("usr/lib/python3.11/os.py");
    expect(await findPython(root)).toBe("usr/bin/python3.11");
    program("opt/python/bin/python3.11");
    mkdirSync(join(root, "usr/local/bin"), { recursive: true });
    symlinkSync("../../../opt/python/bin/python3.11", join(root, "usr/local/bin/python3.11"));
    file("usr/local/lib/python3.11/os.py");
    expect(await findPython(root)).toBe("usr/local/bin/python3.11");
  });

  it("is missed by saying what is there in its place", async () => {
    await refused(/found no python; at its top are no files$/);
    file("usr/bin/python3.9");
    file("usr/local/bin/python3");
    file("usr/local/bin/python3-config");
    await refused(/found usr\/bin\/python3\.9, usr\/local\/bin\/python3$/);
  });

  it("is refused where it cannot run the agent, saying why", async () => {
    program("usr/bin/python3.11");
    await refused(/usr\/bin\/python3\.11 has no standard library/);
    file("usr/local/bin/python3.11", "#!/bin/sh\n");
    await refused(/usr\/local\/bin\/python3\.11 is no program; usr\/bin\/python3\.11 has no standard library/);
  });

  it("is not in an image, and that is said", async () => {
    file("manifest.json");
    file("oci-layout");
    await refused(/docker save/);
  });
});
