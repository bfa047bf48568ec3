"""What makes a fork itself: its own randomness and the right time, before any user code runs."""

import hashlib
import mmap
import random
import sys

import _zblink as link


_MACHINE_ID = "/run/machine-id"  # where /etc/machine-id leads
_MACHINE_ID_DIGITS = 32
_machine_id = None


def prepare():
    """Map the machine id's file, so that a fork gets its own by a store to memory."""
    global _machine_id
    with open(_MACHINE_ID, "x+b") as file:
        file.write(b"0" * _MACHINE_ID_DIGITS + b"\n")
        file.flush()
        _machine_id = mmap.mmap(file.fileno(), _MACHINE_ID_DIGITS + 1)


def take(flags, payload):
    """Reseed everything that was seeded in the template. Raises when anything cannot be."""
    entropy = payload[: link.IDENTITY_ENTROPY_BYTES]
    wall_clock_ns = int.from_bytes(payload[link.IDENTITY_ENTROPY_BYTES :], "little")
    # The kernel's generator gets all of it, and no two of the others get the same.
    link.take_identity(flags & link.IDENTITY_REKEYED, entropy, wall_clock_ns)
    seed = int.from_bytes(entropy, "little")
    random.seed(seed ^ 0x52414E44)
    machine_id = hashlib.blake2s(entropy, digest_size=_MACHINE_ID_DIGITS // 2, person=b"machine")
    _machine_id[:_MACHINE_ID_DIGITS] = machine_id.hexdigest().encode()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [(seed >> shift) & 0xFFFFFFFF for shift in range(0, len(entropy) * 8, 32)]
        numpy.random.seed([word ^ 0x4E504E50 for word in words])
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        # OpenSSL tells forks by process id, which is the same in all of ours.
        ssl.RAND_add(entropy[::-1], float(len(entropy)))
