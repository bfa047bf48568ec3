"""What makes a fork itself: its own randomness and the right time, before any user code runs."""

import random
import sys

import _zblink as link


def take(flags, payload):
    """Reseed everything that was seeded in the template. Raises when anything cannot be."""
    entropy = payload[: link.IDENTITY_ENTROPY_BYTES]
    wall_clock_ns = int.from_bytes(payload[link.IDENTITY_ENTROPY_BYTES :], "little")
    # The kernel's generator gets all of it, and no two of the others get the same.
    link.take_identity(flags & link.IDENTITY_REKEYED, entropy, wall_clock_ns)
    seed = int.from_bytes(entropy, "little")
    random.seed(seed ^ 0x52414E44)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [(seed >> shift) & 0xFFFFFFFF for shift in range(0, len(entropy) * 8, 32)]
        numpy.random.seed([word ^ 0x4E504E50 for word in words])
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        # OpenSSL tells forks by process id, which is the same in all of ours.
        ssl.RAND_add(entropy[::-1], float(len(entropy)))
