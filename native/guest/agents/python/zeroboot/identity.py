"""What makes a fork itself: its own randomness and the right time, before any user code runs.

The generators' states are found and checked here, in the template; in a fork the C half of take_identity()
fills them without running any of this, because each line of Python writes to pages that a fork then has to copy.
"""

import ctypes
import mmap
import os
import random
import sys

import _zblink as link

try:
    import numpy
except ModuleNotFoundError:
    # Of a container somebody brought.
    numpy = None

_MACHINE_ID = "/run/machine-id"  # where /etc/machine-id leads
_MACHINE_ID_TEXT = b"0" * 32 + b"\n"
_WORDS = 624
# struct RandomObject of CPython 3.11's Modules/_randommodule.c: PyObject_HEAD, int index, uint32_t state[624].
_RANDOM_INDEX = object.__basicsize__
_RANDOM_STATE = _RANDOM_INDEX + 4
_EVP_RAND_STATE_UNINITIALISED = 0  # openssl/evp.h

_openssl_is_empty = False


class _Twister:
    """Where a Mersenne Twister has its words, and the position among them from which it goes on."""

    def __init__(self, words, position):
        self.words = words
        self.position = position

    def read(self):
        words = (ctypes.c_uint32 * _WORDS).from_address(self.words)
        return tuple(words), ctypes.c_int.from_address(self.position).value


def _of_random():
    address = id(random._inst)
    found = _Twister(address + _RANDOM_STATE, address + _RANDOM_INDEX)
    *words, position = random.getstate()[1]
    return found, (tuple(words), position)


def _of_numpy():
    # struct mt19937_state of numpy's numpy/random/src/mt19937: uint32_t key[624]; int pos.
    address = numpy.random.mtrand._rand._bit_generator.ctypes.state_address
    found = _Twister(address, address + 4 * _WORDS)
    _, words, position, *_ = numpy.random.get_state()
    return found, (tuple(int(word) for word in words), position)


def _map_machine_id():
    """The machine id's file as memory, so that a fork gets its own without a system call."""
    with open(_MACHINE_ID, "x+b", buffering=0) as file:
        file.write(_MACHINE_ID_TEXT)
        # For as long as the process lives, so that the address may be kept.
        view = mmap.mmap(file.fileno(), len(_MACHINE_ID_TEXT))
    link.set_machine_id(view)


def prepare():
    """In the template: tell the link what each fork is to fill. Raises where the generators are not as known."""
    _map_machine_id()
    for find in (_of_random,) if numpy is None else (_of_random, _of_numpy):
        # Drawn from, so that no two states compared by accident are the untouched same.
        random.random()
        if numpy is not None:
            numpy.random.random()
        twister, state = find()
        if twister.read() != state:
            raise SystemError(f"the generator of {find.__name__} is not where it was expected")
        link.add_generator(twister.words, twister.position)


def _empty_openssl():
    """Put OpenSSL's generators back to how they were before anybody drew from them. Whether that could be done.

    The next to draw seeds them from the kernel then (ossl_prov_drbg_generate() of OpenSSL 3), so that a fork
    pays for it only if it draws: seeding is two system calls, milliseconds where kernel mode is emulated.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        # Each thread has generators of its own, which only it can name.
        return False
    try:
        crypto = ctypes.CDLL("libcrypto.so.3", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        generators = [getattr(crypto, f"RAND_get0_{which}") for which in ("public", "private", "primary")]
        empty, state = crypto.EVP_RAND_uninstantiate, crypto.EVP_RAND_get_state
    except (OSError, AttributeError):
        return False
    for find in generators:
        find.restype = ctypes.c_void_p
        generator = ctypes.c_void_p(find(None))
        if not generator or empty(generator) != 1 or state(generator) != _EVP_RAND_STATE_UNINITIALISED:
            return False
    return True


def settle():
    """In the template, last: nothing that was drawn or kept back may be the same in every fork."""
    global _openssl_is_empty
    # gauss() keeps a number back.
    random.seed()
    if numpy is not None:
        numpy.random.seed()
    _openssl_is_empty = _empty_openssl()
    if _openssl_is_empty:
        # There is nothing for take() to add.
        link.take_identities()


def take(flags, payload):
    """Reseed everything that was seeded in the template. Raises when anything cannot be."""
    link.take_identity(flags, payload)
    if _openssl_is_empty:
        return
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        # OpenSSL tells forks by process id, which is the same in all of ours.
        entropy = payload[: link.IDENTITY_ENTROPY_BYTES]
        ssl.RAND_add(entropy[::-1], float(len(entropy)))
