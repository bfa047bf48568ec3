import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AptRoot, systemPath } from "../../native/guest/build/apt/root.js";
import { buildEnvironment, run } from "../../native/guest/build/command.js";
import { digestParts, shortKey } from "../../native/guest/build/digest.js";
import {
  defaultHome,
  homeLayout,
  type Progress,
  publishDirectory,
  SetupError,
  withLock,
} from "../../native/guest/build/index.js";
import { BoundedLog } from "../../native/guest/build/log.js";
import { freshDirectory } from "../../native/guest/build/store.js";

const KERNEL_META_PACKAGE = "linux-image-amd64";
const BUSYBOX_PACKAGE = "busybox-static";
/** In the order in which they need each other; none is built into Debian's kernel. */
const MODULES = [
  ...["irqbypass", "kvm", "ccp", "kvm-amd"],
  ...["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"],
  ...["failover", "net_failover", "virtio_net"],
  ...["netfs", "fscache", "9pnet", "9pnet_virtio", "9p", "overlay"],
];

/** What an emulated machine boots. */
export interface MachineParts {
  readonly kernelPath: string;
  readonly initramfsPath: string;
}

/**
 * Debian's own kernel with KVM for AMD, and an initramfs of busybox, the modules and `init.sh`;
 * fetched and made once, below `$ZEROBOOT_HOME`. Nothing is installed.
 * @throws SetupError
 */
export async function machineParts(progress: Progress, signal: AbortSignal): Promise<MachineParts> {
  const layout = homeLayout(defaultHome());
  const init = await readFile(fileURLToPath(new URL("init.sh", import.meta.url)));
  await mkdir(layout.work, { recursive: true });
  const lock = {
    directory: layout.locks,
    name: "hardware-kvm",
    doing: "making the emulated machine",
    progress,
    signal,
  };
  return withLock(lock, async ({ fd }) => {
    const log = BoundedLog.create(layout.log, "hardware-kvm");
    const context = { layout, log, progress, signal, holdFd: fd, refresh: false };
    const apt = new AptRoot(context);
    const found = await apt.find([KERNEL_META_PACKAGE, BUSYBOX_PACKAGE]);
    const key = shortKey(
      digestParts({ init, modules: MODULES.join(" "), packages: found.map((of) => of.sha256).join() }),
    );
    const directory = join(layout.home, "hardware-kvm", key);
    const parts = { kernelPath: join(directory, "vmlinuz"), initramfsPath: join(directory, "initramfs") };
    if ((await readdir(directory).catch(() => [])).length > 0) return parts;

    const work = await freshDirectory(join(layout.work, `hardware-kvm-${key}`));
    const unpacked = join(work, "packages");
    await apt.use(
      [KERNEL_META_PACKAGE, BUSYBOX_PACKAGE],
      (all) => all.filter((of) => of.name === BUSYBOX_PACKAGE || /^linux-image-\d.*-amd64$/.test(of.name)),
      async ({ packages, archives }) => {
        for (const archive of archives) await apt.unpack(archive, unpacked);
        await apt.forget(packages);
      },
    );
    const made = await freshDirectory(join(work, "made"));
    await copyFile(await kernelIn(join(unpacked, "boot")), join(made, "vmlinuz"));
    const tree = await initramfsTree(unpacked, join(work, "tree"), init);
    const busybox = join(tree, "bin/busybox");
    await run(
      "sh",
      ["-c", `cd "$0" && find . | "$1" cpio -o -H newc -R 0:0 > "$2"`, tree, busybox, join(made, "initramfs")],
      {
        env: buildEnvironment(systemPath()),
        log,
        signal,
      },
    );
    await publishDirectory(made, directory);
    await rm(work, { recursive: true, force: true });
    return parts;
  });
}

async function kernelIn(boot: string): Promise<string> {
  const name = (await readdir(boot)).find((entry) => entry.startsWith("vmlinuz-"));
  if (name === undefined) {
    throw new SetupError("package_missing", `${KERNEL_META_PACKAGE} holds no kernel`, {
      remedy: "Check the sources in /etc/apt: Debian 12 (bookworm) main is needed.",
    });
  }
  return join(boot, name);
}

async function initramfsTree(unpacked: string, tree: string, init: Buffer): Promise<string> {
  for (const directory of ["bin", "dev", "modules", "proc", "sys"]) {
    await mkdir(join(tree, directory), { recursive: true });
  }
  await copyFile(join(unpacked, "bin/busybox"), join(tree, "bin/busybox"));
  await writeFile(join(tree, "init"), init);
  await chmod(join(tree, "init"), 0o755);
  const wanted = new Map(MODULES.map((name) => [`${name}.ko`, name]));
  for (const entry of await readdir(join(unpacked, "lib/modules"), { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && wanted.has(entry.name)) {
      await copyFile(join(entry.parentPath, entry.name), join(tree, "modules", entry.name));
    }
  }
  await writeFile(join(tree, "modules/order"), `${MODULES.join("\n")}\n`);
  return tree;
}
