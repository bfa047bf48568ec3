import copy
import http.server
import json
import pickle
import socket
import threading
import time
import unittest
from unittest import mock

import zeroboot
from zeroboot import Result, Sandbox

ANSWER = {
    "id": "1",
    "stdout": "2\n",
    "stderr": "",
    "exit_code": 0,
    "output": "2\n",
    "timed_out": False,
    "truncated": False,
    "fork_time_ms": 0.5,
    "exec_time_ms": 7,
    "total_time_ms": 8.25,
    "duration_ms": 8.25,
    "new_field": [1],
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the server's list holds, in its order, and notes what was asked."""

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.path, dict(self.headers), json.loads(self.rfile.read(length) or "null")))
        status, headers, body = self.server.answers.pop(0)
        if status is None:
            self.server.wait.wait(20)
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class WithServer(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.asked, self.server.answers, self.server.wait = [], [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        serving = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.wait.set)
        self.sandbox = Sandbox("zb_live_x", self.url)

    def answers(self, *answers):
        self.server.answers.extend(answers)

    def refuses(self, kind, code, call=None):
        with self.assertRaises(kind) as caught:
            (call or (lambda: self.sandbox.run("1")))()
        self.assertEqual(caught.exception.code, code)
        return caught.exception


class Running(WithServer):
    def test_a_result_is_its_text_and_the_rest(self):
        self.answers((200, {}, ANSWER))
        result = self.sandbox.run("print(1 + 1)")
        self.assertEqual((result, str(result), f"{result}", repr(result)), ("2", "2", "2", "'2'"))
        self.assertEqual(json.dumps({"output": result}), '{"output": "2"}')
        self.assertIs(type(result.output), str)
        self.assertEqual((result.stdout, result.exit_code, result.id), ("2\n", 0, "1"))
        self.assertEqual((result.exec_time_ms, result.total_time_ms, result.duration_ms), (7, 8.25, 8.25))
        self.assertIsNone(result.result)
        for same in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            self.assertEqual((same, vars(same)), (result, vars(result)))

    def test_asks_for_what_it_is_told_to(self):
        self.answers(*[(200, {}, ANSWER)] * 4)
        self.sandbox.run("a")
        self.sandbox.run("é", "node", 5, stdin="in", env={"A": "b"})
        self.sandbox.run("b", template="own")
        Sandbox(None, self.url + "/at/", template="mine").run("c")
        paths, headers, bodies = zip(*self.server.asked)
        self.assertEqual(list(paths), ["/v1/exec"] * 3 + ["/at/v1/exec"])
        self.assertEqual(headers[0]["Authorization"], "Bearer zb_live_x")
        self.assertEqual(headers[0]["Content-Type"], "application/json")
        self.assertNotIn("Authorization", headers[3])
        self.assertEqual(bodies[0], {"code": "a", "language": "python"})
        self.assertEqual(
            bodies[1], {"code": "é", "language": "node", "timeout_seconds": 5, "stdin": "in", "env": {"A": "b"}}
        )
        self.assertEqual(bodies[2], {"code": "b", "template": "own"})
        self.assertEqual(bodies[3], {"code": "c", "template": "mine"})

    def test_the_server_is_that_of_the_environment(self):
        self.answers((200, {}, ANSWER))
        with mock.patch.dict("os.environ", {"ZEROBOOT_BASE_URL": self.url}):
            self.assertEqual(Sandbox("k").run("1"), "2")

    def test_returns_for_every_program_that_ran(self):
        failed = {**ANSWER, "exit_code": 3, "stderr": "Trace\nValueError: no\n", "timed_out": True, "result": "7"}
        self.answers((200, {}, failed), (200, {}, failed))
        result = self.sandbox.run("1")
        self.assertEqual((result.exit_code, result.timed_out, result.result), (3, True, "7"))
        error = self.refuses(zeroboot.ExecutionFailed, "execution_failed", lambda: self.sandbox.run("1", check=True))
        self.assertEqual((str(error), error.result.exit_code), ("the program ended with 3: ValueError: no", 3))
        self.assertEqual(pickle.loads(pickle.dumps(error)).result.exit_code, 3)

    def test_a_result_can_be_made_as_in_the_original(self):
        made = Result(stdout="", stderr="why", exit_code=1)
        self.assertEqual((made, made.stderr, made.exit_code, made.total_time_ms), ("", "why", 1, 0.0))


class Batches(WithServer):
    def test_are_in_order_and_each_for_itself(self):
        refused = {"error": "bad", "code": "invalid_request"}
        answer = {"results": [ANSWER, refused, {**ANSWER, "exit_code": 1}]}
        self.answers(*[(200, {}, answer)] * 2)
        results = self.sandbox.run_batch(["a", "b", "c"], timeout=9)
        self.assertEqual([str(one) for one in results], ["2", "bad", "2"])
        self.assertEqual(results[1].code, "invalid_request")
        path, _, body = self.server.asked[0]
        self.assertEqual(path, "/v1/exec/batch")
        self.assertEqual(body["executions"][2], {"code": "c", "language": "python", "timeout_seconds": 9})
        self.refuses(zeroboot.ZerobootError, "invalid_request", lambda: self.sandbox.run_batch("abc", check=True))

    def test_answer_all_that_was_asked(self):
        self.answers((200, {}, {"results": []}), (200, {}, {}))
        for _ in range(2):
            self.refuses(zeroboot.ProtocolError, "protocol_error", lambda: self.sandbox.run_batch(["a"]))


class Refusals(WithServer):
    def test_have_the_servers_code_and_are_not_asked_again(self):
        for status, code in [(401, "unauthorized"), (400, "invalid_request"), (500, "internal"), (404, "x_of_later")]:
            self.answers((status, {}, {"error": "why", "code": code, "request_id": "1"}))
            error = self.refuses(zeroboot.RequestError, code)
            self.assertEqual((error.status, str(error)), (status, "why"))
            self.assertIsInstance(error, RuntimeError)
        self.assertEqual(len(self.server.asked), 4)

    def test_busy_is_asked_again_after_the_time_it_says(self):
        busy = {"error": "busy", "code": "rate_limited"}
        self.answers((429, {"Retry-After": "7"}, busy), (503, {"Retry-After": "soon"}, busy), (200, {}, ANSWER))
        with mock.patch("time.sleep") as sleep:
            self.assertEqual(self.sandbox.run("1"), "2")
        self.assertEqual([call.args for call in sleep.call_args_list], [(7.0,), (0.5,)])
        self.answers(*[(503, {"Retry-After": "99999"}, busy)] * 3)
        with mock.patch("time.sleep") as sleep:
            error = self.refuses(zeroboot.RequestError, "rate_limited")
        self.assertEqual((error.status, [call.args for call in sleep.call_args_list]), (503, [(30.0,), (30.0,)]))
        self.answers((429, {}, busy))
        self.sandbox = Sandbox("k", self.url, retries=0)
        self.refuses(zeroboot.RequestError, "rate_limited")

    def test_answers_that_mean_nothing(self):
        for answer in [
            (200, {}, b"<html>"),
            (200, {}, b"[" * 100_000),
            (200, {}, []),
            (200, {}, {**ANSWER, "exit_code": "0"}),
            (200, {}, {**ANSWER, "stdout": None}),
            (502, {}, b"Bad Gateway"),
            (403, {}, ["x"]),
            (302, {"Location": "/elsewhere"}, b""),
        ]:
            self.answers(answer)
            self.refuses(zeroboot.ProtocolError, "protocol_error")

    def test_no_answer(self):
        self.answers((None, {}, b""))
        sandbox = Sandbox("k", self.url, answer_timeout=0.1)
        start = time.monotonic()
        with mock.patch("zeroboot.sandbox._DEFAULT_TIMEOUT", 0):
            self.refuses(zeroboot.ConnectionError, "connection_lost", lambda: sandbox.run("1"))
        self.assertLess(time.monotonic() - start, 10)

    def test_nobody_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.sandbox = Sandbox("k", f"http://127.0.0.1:{port}")
        error = self.refuses(zeroboot.ConnectionError, "connect_failed")
        self.assertIsInstance(error, ConnectionError)

    def test_arguments_that_cannot_be_used(self):
        for options in (
            {"base_url": "nonsense"},
            {"api_key": "new\nline"},
            {"retries": -1},
            {"answer_timeout": 0},
            {"language": "python", "template": "python"},
        ):
            self.refuses(zeroboot.InvalidOptionError, "invalid_option", lambda: Sandbox(**{"base_url": self.url, **options}))
        for call in (
            lambda: self.sandbox.run(1),
            lambda: self.sandbox.run("1", timeout=1.5),
            lambda: self.sandbox.run("1", "python", template="python"),
        ):
            self.refuses(zeroboot.InvalidOptionError, "invalid_option", call)
        self.assertEqual(self.server.asked, [])


class Health(WithServer):
    def test_is_told_once(self):
        self.answers((200, {}, {"status": "ok", "vms": 0}), (503, {}, {"error": "starts", "code": "starting"}))
        self.assertEqual(self.sandbox.health(), {"status": "ok", "vms": 0})
        self.refuses(zeroboot.RequestError, "starting", self.sandbox.health)


if __name__ == "__main__":
    unittest.main()
