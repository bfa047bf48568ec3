import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";

const DEVICE = "/dev/kvm";

/** What is known of /dev/kvm and this user, for {@link kvmRemedy}. */
export interface KvmDevice {
  readonly exists: boolean;
  /** Name of the group that owns it, or its number. */
  readonly group: string;
  /** That group may read and write it. */
  readonly groupMayUse: boolean;
  readonly user: string;
  /** The user is in the group by /etc/group, though perhaps not yet in this login. */
  readonly userListed: boolean;
}

/** Look at /dev/kvm, /etc/group and this user. Never throws. */
export function inspectKvmDevice(): KvmDevice {
  const user = currentUser();
  const status = statSync(DEVICE, { throwIfNoEntry: false });
  if (status === undefined) {
    return { exists: false, group: "kvm", groupMayUse: false, user, userListed: false };
  }
  const entry = groupEntry(status.gid);
  return {
    exists: true,
    group: entry?.name ?? String(status.gid),
    groupMayUse: (status.mode & 0o060) === 0o060,
    user,
    userListed: entry?.members.includes(user) ?? false,
  };
}

/** The exact command that makes /dev/kvm usable for this user. */
export function kvmRemedy(device: KvmDevice = inspectKvmDevice()): string {
  if (!device.exists) {
    return (
      "Load KVM with: sudo modprobe kvm_intel || sudo modprobe kvm_amd. " +
      "If that fails, switch virtualization on in the firmware or, on a virtual machine, nested virtualization."
    );
  }
  if (!device.groupMayUse || device.group === "root") {
    return (
      `Run: sudo chgrp kvm ${DEVICE} && sudo chmod 660 ${DEVICE} && sudo usermod -aG kvm ${device.user} ` +
      "and then log in again."
    );
  }
  if (device.userListed) {
    return `You are in the group, but not in this login: log out and in again, or run: newgrp ${device.group}`;
  }
  return `Run: sudo usermod -aG ${device.group} ${device.user} and then log in again (or run: newgrp ${device.group}).`;
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return "$USER";
  }
}

function groupEntry(gid: number): { name: string; members: string[] } | undefined {
  let text: string;
  try {
    text = readFileSync("/etc/group", "utf8");
  } catch {
    return undefined;
  }
  for (const line of text.split("\n")) {
    const [name, , id, members] = line.split(":");
    if (name !== undefined && id === String(gid)) {
      return { name, members: (members ?? "").split(",").filter((member) => member !== "") };
    }
  }
  return undefined;
}
