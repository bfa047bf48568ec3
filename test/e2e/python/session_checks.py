"""A session of the Python SDK against a real server. A check that fails ends it with 1."""

import hashlib
import os
import threading
import time

import zeroboot
from zeroboot import Session

KEY = os.environ["ZEROBOOT_API_KEY"]
#: Machines may be emulated: whatever is waited for comes within this, seconds, or never.
PATIENCE = 300.0
STREAM_BYTES = 1_000_000


def same(found, expected):
    if found != expected:
        raise SystemExit(f"expected {expected!r:.300}, found {found!r:.300}")


def line_of(output):
    """Pieces up to the end of a line: they may come in any size."""
    line = ""
    while not line.endswith("\n"):
        line += next(output)
    return line


def state_and_results(session):
    same(session.run("x = 20; import os").exit_code, 0)
    result = session.run("x + 1")
    same((result.text, result.status, result.exit_code, result.error), ("21", "ok", 0, None))
    same((result.execution_count, result.state_kept, result.truncated), (2, True, False))
    result = session.run("import sys; print('ö'); print('e', file=sys.stderr); sys.exit(3)")
    same((result.stdout, result.stderr, result.exit_code, result.status), ("ö\n", "e\n", 3, "error"))
    result = session.run("1 / 0")
    same((result.error.name, result.error.message, result.exit_code), ("ZeroDivisionError", "division by zero", 1))
    same("Traceback" in result.error.traceback, True)
    same(session.run("os.environ['WHO']", env={"WHO": "me"}).text, "'me'")
    same(session.complete("xy = 1; os.path.exis").matches, ["exists"])
    same(session.check("if x:").status, "incomplete")
    try:
        session.run("raise ValueError('no')", check=True)
    except zeroboot.ExecutionFailed as error:
        same(str(error), "the program ended with 1: ValueError: no")
    else:
        same("no error", "ExecutionFailed")


def input_of_every_kind(session):
    same(session.run("print(input()[::-1])", stdin="abc\n").stdout, "cba\n")
    asked = []
    answers = iter(["Ann", None])

    def on_input(request):
        asked.append(request.prompt)
        return next(answers)

    result = session.run("name = input('name? ')\ntry: input('more? ')\nexcept EOFError: print(name)", on_input=on_input)
    same((asked, result.exit_code, result.stdout.endswith("Ann\n")), (["name? ", "more? "], 0, True))
    execution = session.start("for line in iter(input, ''): print(line.upper(), flush=True)", stdin="open")
    output = execution.stdout
    execution.write("one\n")
    same(line_of(output), "ONE\n")
    execution.write(b"two\n\n")
    same(line_of(output), "TWO\n")
    same(execution.result(PATIENCE).exit_code, 0)
    # More than the server holds, read late.
    data = os.urandom(1_300_000)
    code = "import sys, time, hashlib\ntime.sleep(1)\nhashlib.sha256(sys.stdin.buffer.read()).hexdigest()"
    same(session.run(code, stdin=data, timeout=PATIENCE).text, repr(hashlib.sha256(data).hexdigest()))


def stopping(session):
    result = session.run("print('before', flush=True)\nwhile True: pass", timeout=1)
    same((result.stdout, result.status, result.exit_code, result.state_kept), ("before\n", "timeout", 124, True))
    runs = threading.Event()
    outcome = []

    def run():
        outcome.append(session.run("print(1, flush=True)\nwhile True: pass", on_stdout=lambda _: runs.set()))

    running = threading.Thread(target=run)
    running.start()
    same(runs.wait(PATIENCE), True)
    session.interrupt()
    running.join(PATIENCE)
    same((outcome[0].status, outcome[0].exit_code, outcome[0].stopped_by), ("interrupted", 130, "interrupt"))
    same(session.run("x").text, "20")


def output_in_full(session):
    code = f"import sys\nsys.stdout.write(''.join(map(str, range({STREAM_BYTES})))[:{STREAM_BYTES}])"
    expected = "".join(map(str, range(STREAM_BYTES)))[:STREAM_BYTES]
    pieces = []
    result = session.run(code, on_stdout=pieces.append, timeout=PATIENCE)
    same(("".join(pieces) == expected, result.stdout == expected, result.truncated), (True, True, False))
    # A reader that has stopped holds its guest back, and loses nothing.
    execution = session.start(code, timeout=PATIENCE)
    raw = execution.raw("stdout")
    got = bytearray(next(raw)[1])
    time.sleep(3)
    same(execution.done, False)
    for _, chunk in raw:
        got += chunk
    same((got == expected.encode(), execution.result(PATIENCE).exit_code), (True, 0))


def sessions_side_by_side():
    codes = [None] * 4

    def work(number):
        with Session.connect(api_key=KEY, timeout=PATIENCE) as session:
            session.run(f"n = {number}")
            codes[number] = session.run("n ** 2").text

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(codes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    same(codes, ["0", "1", "4", "9"])


def refused():
    for key, code in [("zb_live_wrong", "unauthorized"), (None, "unauthorized")]:
        try:
            Session.connect(api_key=key, timeout=PATIENCE)
        except zeroboot.SessionRefusedError as error:
            same(error.code, code)
        else:
            same("a session", code)
    try:
        Session.connect(api_key=KEY, template="no-such", timeout=PATIENCE)
    except zeroboot.SessionRefusedError as error:
        same(error.code, "template_unknown")
    else:
        same("a session", "template_unknown")


with Session.connect(api_key=KEY, timeout=PATIENCE) as session:
    same((session.template, session.fork_time_us > 0, session.ping() > 0), ("python", True, True))
    for part in (state_and_results, input_of_every_kind, stopping, output_in_full):
        start = time.monotonic()
        part(session)
        print(part.__name__, f"{time.monotonic() - start:.1f} s", flush=True)
    leaving = session.start("while True: pass")
try:
    leaving.result()
except zeroboot.SessionClosedError as error:
    same(error.code, "session_closed")
else:
    same("a result", "session_closed")
sessions_side_by_side()
refused()
print("all", flush=True)
