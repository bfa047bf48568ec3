"""How much memory the cells may take: a MemoryError they can handle instead of the kernel ending their process."""

import resource

import _zblink as link

# Of what the guest has to give, in percent. The rest is the kernel's, and that of files in memory.
_SHARE = 90
# Of what is available, what the heap gets before a cell asks for it, in percent, and at most: each MiB that lies
# beyond the first 64 of the guest's memory makes a fork 0.7 us longer.
_FILL_SHARE = 8
_FILL_MOST = 16 << 20
# What reporting takes when the cells have left nothing.
_RESERVE = 8 << 20
# The stack of the main thread, as everywhere.
_MAIN_STACK = 8 << 20

_limit = resource.RLIM_INFINITY
_relieved = False


def _field(path, name):
    """A line ``Name:  123 kB`` of a file in /proc, in bytes."""
    with open(path) as lines:
        for line in lines:
            if line.startswith(name):
                return int(line.split()[1]) << 10
    raise ValueError(f"no {name} in {path}")


def _set(limit):
    # The hard limit stays: who knows better may raise the soft one.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


def fill():
    """To be called when everything is loaded: what cells allocate first is there already."""
    link.fill_heap(min(_FILL_MOST, _field("/proc/meminfo", "MemAvailable:") * _FILL_SHARE // 100))


def limit():
    """To be called when everything is loaded: the cells may have most of what is left."""
    global _limit
    # init made it small, because it is also what each further thread's stack takes of the limit, used or not.
    resource.setrlimit(resource.RLIMIT_STACK, (_MAIN_STACK, resource.RLIM_INFINITY))
    _limit = _field("/proc/self/status", "VmData:") + _field("/proc/meminfo", "MemAvailable:") * _SHARE // 100
    _set(_limit)


def relieve():
    """Memory has run out: the agent goes on with the reserve. False when it does so already, or has no limit."""
    global _relieved
    if _relieved or resource.getrlimit(resource.RLIMIT_DATA)[0] != _limit:
        return False
    _relieved = True
    _set(_limit + _RESERVE)
    return True


def begin_cell():
    """The cells have no part in the reserve. Makes a system call only after it was needed."""
    if _relieved and resource.getrlimit(resource.RLIMIT_DATA)[0] == _limit + _RESERVE:
        _set(_limit)


def end_cell():
    """The reserve is the agent's again, until the cells have given enough back."""
    global _relieved
    if not _relieved or resource.getrlimit(resource.RLIMIT_DATA)[0] != _limit:
        return
    _set(_limit + _RESERVE)
    if _field("/proc/self/status", "VmData:") + _RESERVE < _limit:
        _relieved = False
        _set(_limit)
