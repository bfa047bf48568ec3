"""Runs one of CPython's test modules in the cell's own process, and shows a record as each test begins and ends.

Records are displays, apart from the streams: what the tests print, and what they do to sys.stdout, does not reach them.
"""

import json
import os
import tempfile
import unittest
from fnmatch import fnmatchcase
from time import perf_counter
from traceback import format_exception

# Characters of a traceback: its end says the most.
_KEPT = 1500


def _show(display=display, dumps=json.dumps, **record):
    # The defaults are kept from tests that replace these names.
    display({"application/json": dumps(record)}, raw=True)


def _last_lines(error):
    return "".join(format_exception(*error))[-_KEPT:]


class Records(unittest.TestResult):
    """Tells outcomes as they come. It keeps nothing: a module has up to a thousand tests, and a fork little memory."""

    def startTest(self, test):
        self.testsRun += 1
        self._outcome = None
        self._began = perf_counter()
        _show(kind="running", test=test.id())

    def stopTest(self, test):
        # An interrupted test has none: unittest lets KeyboardInterrupt through.
        outcome, message = self._outcome or ("not ended", "")
        seconds = round(perf_counter() - self._began, 3)
        self._began = None
        _show(kind="ended", test=test.id(), outcome=outcome, message=message, seconds=seconds)

    def _settle(self, test, outcome, message=""):
        if isinstance(test, unittest.TestCase):
            # The first failure counts; clean-up that fails because of it does not, nor a subtest that was skipped.
            if self._outcome is None or self._outcome[0] == "skipped":
                self._outcome = outcome, message
        else:
            # What a class or a module sets up for its tests. None of these is run.
            _show(kind="ended", test=test.id(), outcome=outcome, message=message, seconds=0)

    def addSuccess(self, test):
        self._settle(test, "ok")

    def addFailure(self, test, error):
        self._settle(test, "failed", _last_lines(error))

    def addError(self, test, error):
        self._settle(test, "error", _last_lines(error))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            outcome = "failed" if issubclass(error[0], test.failureException) else "error"
            self._settle(test, outcome, f"{subtest.id()}\n{_last_lines(error)}")

    def addSkip(self, test, reason):
        self._settle(test, "skipped", str(reason))

    def addExpectedFailure(self, test, error):
        self._settle(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self._settle(test, "unexpected success", "a test that is marked as failing has not failed")


def _each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _each(test)
        else:
            yield test


def _is_named(test, names):
    return not names or any(test == name or test.startswith(f"{name}.") for name in names)


def run(module, *, only, left_out, limit_seconds):
    """Run a module's tests, or those of them that `only` names, without those that match a pattern in `left_out`."""
    os.chdir(tempfile.mkdtemp(prefix="test-"))
    from test import support

    # As `python -m test --timeout` sets them. No resource is given: no network, no large files, no audio.
    support.verbose = 0
    support.use_resources = ()
    support.LOOPBACK_TIMEOUT = max(support.LOOPBACK_TIMEOUT, limit_seconds / 120)
    support.SHORT_TIMEOUT = max(support.SHORT_TIMEOUT, limit_seconds / 40)
    support.LONG_TIMEOUT = max(support.LONG_TIMEOUT, limit_seconds / 4)

    _show(kind="running", test=module)
    named = [test for test in _each(unittest.defaultTestLoader.loadTestsFromName(module)) if _is_named(test.id(), only)]
    chosen = [test for test in named if not any(fnmatchcase(test.id(), pattern) for pattern in left_out)]
    _show(kind="loaded", tests=len(chosen), left_out=len(named) - len(chosen))
    suite = unittest.TestSuite(chosen)
    # The suite lets go of each test that it has run.
    named.clear()
    chosen.clear()
    suite.run(Records())
