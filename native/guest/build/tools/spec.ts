/** A program the build needs, and how to have it where the host does not. */
export interface ToolSpec {
  readonly name: string;
  /**
   * A shell line that uses the tool for real: a name on PATH says nothing of a helper that is
   * missing behind it (bison and flex need m4 and their skeletons). Runs in an empty directory.
   */
  readonly probe: string;
  /** Debian packages that bring it; their dependencies come along. */
  readonly packages: readonly string[];
  /** Its place in those packages; undefined for a library. */
  readonly program?: string;
}

const GRAMMAR = "'%%%%\\nstart: ;\\n'";
const SCANNER = "'%%%%\\nx ;\\n'";

/** Tools by name. A compiler is not among them: the project itself asks for one. */
export const TOOLS = {
  m4: { name: "m4", probe: "echo 'define(a,b)a' | m4 | grep -qx b", packages: ["m4"], program: "usr/bin/m4" },
  make: { name: "make", probe: "make --version", packages: ["make"], program: "usr/bin/make" },
  xz: {
    name: "xz",
    probe: "echo probe | xz -c | xz -dc | grep -qx probe",
    packages: ["xz-utils"],
    program: "usr/bin/xz",
  },
  bc: { name: "bc", probe: "echo 6*7 | bc -q | grep -qx 42", packages: ["bc"], program: "usr/bin/bc" },
  perl: {
    name: "perl",
    probe: "perl -e 'use strict; use warnings; exit 0'",
    packages: ["perl-base"],
    program: "usr/bin/perl",
  },
  flex: {
    name: "flex",
    probe: `printf ${SCANNER} > a.l && flex -o a.c a.l`,
    packages: ["flex"],
    program: "usr/bin/flex",
  },
  bison: {
    name: "bison",
    probe: `printf ${GRAMMAR} > a.y && bison -d -o a.c a.y`,
    packages: ["bison"],
    program: "usr/bin/bison",
  },
  libelf: {
    name: "libelf",
    probe: "echo 'int main(void){return elf_version(1)==0;}' > a.c && gcc -include gelf.h a.c -o a -lelf && ./a",
    packages: ["libelf-dev", "zlib1g-dev"],
  },
  "mkfs.erofs": {
    name: "mkfs.erofs",
    probe: "mkdir d && echo x > d/x && mkfs.erofs --quiet -T0 --all-root -E noinline_data a.img d",
    packages: ["erofs-utils"],
    program: "usr/bin/mkfs.erofs",
  },
} as const satisfies Record<string, ToolSpec>;

export type ToolName = keyof typeof TOOLS;

/** What compiling `vmlinux` from Debian's source package runs. */
export const KERNEL_TOOLS: readonly ToolName[] = ["m4", "make", "xz", "bc", "perl", "flex", "bison", "libelf"];
/** What packing a root image runs. */
export const ROOT_TOOLS: readonly ToolName[] = ["mkfs.erofs"];
