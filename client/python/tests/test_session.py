import signal
import socket
import ssl
import threading
import time
import unittest

import zeroboot
from zeroboot import Session

from .peer import DONE, LIMITS, PATIENCE, READY, Background, Peer, PeerConnection, server_frame


def wait_for(true):
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it has not come to that")
        time.sleep(0.002)


class WithPeer(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.session = None
        self.addCleanup(self.peer.close)

    def connect(self, ready=READY, **options):
        connecting = Background(Session.connect, self.peer.url, **options)
        server = self.peer.connection()
        server.accept(ready)
        session = connecting.outcome()
        self.addCleanup(self.end, session, server)
        return session, server

    def end(self, session, server):
        closing = Background(session.close)
        server.sock.close()
        closing.outcome()


class Connecting(WithPeer):
    def test_asks_for_what_it_is_told_to(self):
        session, server = self.connect(api_key="zb_live_x", template="a b&c")
        self.assertEqual(server.target, "/v1/session?template=a%20b%26c")
        self.assertEqual(server.headers["authorization"], "Bearer zb_live_x")
        self.assertEqual(server.headers["sec-websocket-protocol"], "zeroboot.v1.msgpack")
        self.assertEqual(server.headers["host"], self.peer.url[len("http://") :])
        self.assertEqual((session.id, session.vm_id, session.template, session.fork_time_us), ("s", "v", "python", 700))
        self.assertEqual(session.limits.max_code_bytes, LIMITS["maxCodeBytes"])

    def test_takes_urls_of_every_scheme_and_with_a_path(self):
        base = self.peer.url
        for url in (base + "/", base.replace("http", "ws"), base + "/at/"):
            connecting = Background(Session.connect, url, template=None)
            server = self.peer.connection()
            server.accept()
            self.end(connecting.outcome(), server)
        self.assertEqual(server.target, "/at/v1/session")
        self.assertNotIn("authorization", server.headers)

    def test_refuses_what_cannot_be_used(self):
        for url in ("localhost:80", "ftp://h", "http://u:p@h", "http://", "http://h:x", "http://h/a b", 7):
            with self.assertRaises(zeroboot.InvalidOptionError):
                Session.connect(url)
        for options in ({"api_key": "a b"}, {"api_key": "a\r\nb: c"}, {"timeout": 0}):
            with self.assertRaises(zeroboot.InvalidOptionError):
                Session.connect(self.peer.url, **options)

    def refused(self, kind, code, answer):
        connecting = Background(Session.connect, self.peer.url)
        answer(self.peer.connection())
        with self.assertRaises(kind) as caught:
            connecting.outcome()
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_is_told_why_there_is_no_session(self):
        def failure(server: PeerConnection):
            server.accept(None)
            server.send({"type": "failure", "code": "unauthorized", "message": "no such key"})
            server.close(4401)

        error = self.refused(zeroboot.SessionRefusedError, "unauthorized", failure)
        self.assertEqual(str(error), "no such key")

        def close_alone(server: PeerConnection):
            server.accept(None)
            server.close(4529)

        self.refused(zeroboot.SessionRefusedError, "capacity_exhausted", close_alone)

        def http(server: PeerConnection):
            body = b'{"error": "bad", "code": "request_malformed", "request_id": "1"}'
            server.sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        self.refused(zeroboot.SessionRefusedError, "request_malformed", http)

        def other_http(server: PeerConnection):
            server.sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

        self.assertIn("404", str(self.refused(zeroboot.ConnectionError, "connect_failed", other_http)))
        self.refused(zeroboot.ConnectionError, "connect_failed", lambda server: server.sock.close())
        self.refused(zeroboot.ProtocolError, "protocol_error", lambda server: server.accept({**READY, "protocol": 2}))
        self.refused(zeroboot.ProtocolError, "protocol_error", lambda server: server.accept({"type": "pong", "nonce": 1}))
        wrong = "not.this.one"
        self.refused(zeroboot.ConnectionError, "connect_failed", lambda server: server.accept(subprotocol=wrong))

    def test_does_not_wait_for_ever(self):
        for stage in ("handshake", "ready"):
            connecting = Background(Session.connect, self.peer.url, timeout=0.2)
            server = self.peer.connection()
            if stage == "ready":
                server.accept(None)
            with self.assertRaises(zeroboot.ConnectionError) as caught:
                connecting.outcome()
            self.assertEqual(caught.exception.code, "connect_timeout")

    def test_nobody_is_there(self):
        url = self.peer.url
        self.peer.close()
        with self.assertRaises(ConnectionError) as caught:
            Session.connect(url)
        self.assertEqual(caught.exception.code, "connect_failed")

    def test_goes_through_tls(self):
        # Without certificates, which only the ciphers that nobody should use do.
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for one in (server_context, context):
            one.maximum_version = ssl.TLSVersion.TLSv1_2
            one.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"

        def serve():
            server = PeerConnection(server_context.wrap_socket(listener.accept()[0], server_side=True))
            server.accept()
            id = server.next("execute")["id"]
            server.output(id, b"x" * 200_000)
            server.done(id)
            server.next("credit")
            server.leave()

        serving = Background(serve)
        with Session.connect(url, ssl_context=context) as session:
            self.assertEqual(session.run("code" * 50_000).stdout, "x" * 200_000)
        serving.outcome()

        distrusting = Background(listener.accept)
        connecting = Background(Session.connect, url)
        accepted = distrusting.outcome()[0]
        accepted.recv(1)
        accepted.close()
        with self.assertRaises(zeroboot.ConnectionError):
            connecting.outcome()


class Running(WithPeer):
    def test_has_all_that_the_server_says(self):
        session, server = self.connect()
        running = Background(session.run, "code", timeout=1.5, env={"A": "b"})
        frame = server.next("execute")
        self.assertEqual(
            frame, {"type": "execute", "id": "1", "code": "code", "timeoutMs": 1500, "env": {"A": "b"}}
        )
        server.send({"type": "started", "id": "1"})
        server.output("1", b"caf\xc3")
        server.output("1", b"\xa9\n")
        server.output("1", b"\xff!", "stderr")
        server.send({"type": "display", "id": "1", "bundle": {"text/plain": "<Figure>", "image/png": b"PNG"}})
        server.send({"type": "result", "id": "1", "bundle": {"text/plain": "42"}})
        server.send({"type": "error", "id": "1", "name": "E", "message": "m", "traceback": "T\n"})
        server.send({"type": "a newer server's", "id": "1"})
        server.done("1", status="error", exitCode=1, stoppedBy="interrupt", executionCount=9, futureField=[1])
        result = running.outcome()
        self.assertEqual((result.stdout, result.stderr), ("café\n", "\ufffd!"))
        self.assertEqual((result.text, result.result), ("42", {"text/plain": "42"}))
        self.assertEqual(result.displays, ({"text/plain": "<Figure>", "image/png": b"PNG"},))
        self.assertEqual(result.error, zeroboot.ExecutionError("E", "m", "T\n"))
        self.assertEqual((result.status, result.exit_code, result.stopped_by), ("error", 1, "interrupt"))
        self.assertEqual((result.queued_us, result.exec_us, result.execution_count), (1, 2, 9))
        self.assertEqual((result.truncated, result.state_kept), (False, True))

    def test_check_raises_with_the_result(self):
        session, server = self.connect()
        running = Background(session.run, "code", check=True)
        id = server.next("execute")["id"]
        server.output(id, b"before")
        server.send({"type": "error", "id": id, "name": "ValueError", "message": "no", "traceback": ""})
        server.done(id, status="error", exitCode=1)
        with self.assertRaisesRegex(zeroboot.ExecutionFailed, "ended with 1: ValueError: no") as caught:
            running.outcome()
        self.assertEqual((caught.exception.code, caught.exception.result.stdout), ("execution_failed", "before"))

    def test_callbacks_come_in_order_and_in_the_thread_that_waits(self):
        session, server = self.connect()
        seen = []

        def note(name):
            return lambda value: seen.append((name, value, threading.current_thread().name))

        def run():
            me = threading.current_thread().name
            session.run("code", on_stdout=note("out"), on_stderr=note("err"), on_display=note("shown"))
            return me

        running = Background(run)
        id = server.next("execute")["id"]
        server.output(id, b"1 \xe2\x82")
        server.output(id, b"2", "stderr")
        server.output(id, b"\xac")
        server.send({"type": "display", "id": id, "bundle": {"text/plain": "d"}})
        server.output(id, b"\xe2")
        server.done(id)
        me = running.outcome()
        expected = [("out", "1 "), ("err", "2"), ("out", "€"), ("shown", {"text/plain": "d"}), ("out", "\ufffd")]
        self.assertEqual(seen, [(name, value, me) for name, value in expected])

    def test_what_a_callback_raises_is_raised_and_the_code_interrupted(self):
        session, server = self.connect()

        def on_stdout(_):
            raise KeyError("mine")

        running = Background(session.run, "code", on_stdout=on_stdout)
        id = server.next("execute")["id"]
        server.output(id, b"x" * 40_000)
        with self.assertRaises(KeyError):
            running.outcome()
        self.assertEqual(server.next("interrupt"), {"type": "interrupt", "id": id})
        # What still comes is paid for, and the session goes on.
        server.output(id, b"x" * 40_000)
        self.assertEqual(server.next("credit")["bytes"], 80_000)
        server.done(id, status="interrupted", exitCode=130)
        running = Background(session.run, "next")
        server.done(server.next("execute")["id"])
        self.assertEqual(running.outcome().exit_code, 0)

    def test_a_keyboard_interrupt_interrupts_the_code(self):
        session, server = self.connect()

        def serve():
            id = server.next("execute")["id"]
            # When it waits: before that, an interrupt is the caller's own.
            wait_for(lambda: session._running[id]._channels._changed._waiters)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            interrupt = server.next("interrupt")
            server.done(id, status="interrupted", exitCode=130)
            return interrupt

        serving = Background(serve)
        with self.assertRaises(KeyboardInterrupt):
            session.run("while True: pass")
        self.assertEqual(serving.outcome()["type"], "interrupt")

        serving = Background(serve)
        execution = session.start("while True: pass")
        with self.assertRaises(KeyboardInterrupt):
            execution.result()
        serving.outcome()
        self.assertEqual(execution.result(PATIENCE).status, "interrupted")

    def test_is_interrupted_by_another_thread(self):
        session, server = self.connect()
        running = Background(session.run, "code")
        id = server.next("execute")["id"]
        session.interrupt()
        self.assertEqual(server.next("interrupt"), {"type": "interrupt"})
        session.interrupt(after="kill")
        self.assertEqual(server.next("interrupt"), {"type": "interrupt", "after": "kill"})
        server.done(id, status="interrupted", exitCode=130)
        self.assertEqual(running.outcome().status, "interrupted")
        with self.assertRaises(zeroboot.InvalidOptionError):
            session.interrupt(after="murder")

    def test_bad_arguments_send_nothing(self):
        session, server = self.connect()
        for code, options in [
            (1, {}),
            ("\ud800", {}),
            ("x" * (1024 * 1024 + 1), {}),
            ("1", {"timeout": 0}),
            ("1", {"timeout": 3601}),
            ("1", {"timeout": float("nan")}),
            ("1", {"env": {"A": 1}}),
            ("1", {"env": {"A": "\udfff"}}),
            ("x" * 1024 * 1024, {"env": {str(i): "x" * 4000 for i in range(32)}}),
            ("1", {"max_output_bytes": -1}),
        ]:
            with self.subTest(str(options)[:40]), self.assertRaises(zeroboot.InvalidOptionError):
                session.run(code, **options)
        with self.assertRaises(zeroboot.InvalidOptionError):
            session.start("1", stdin="ajar")
        Background(session.ping)
        server.next("ping")

    def test_a_refused_execution_raises(self):
        session, server = self.connect()
        running = Background(session.run, "code")
        id = server.next("execute")["id"]
        server.send({"type": "failure", "code": "queue_full", "message": "full", "frame": "execute", "id": id})
        with self.assertRaises(zeroboot.ExecutionRefusedError) as caught:
            running.outcome()
        self.assertEqual(caught.exception.code, "queue_full")
        self.assertFalse(session.closed)

    def test_many_threads_each_get_their_own(self):
        session, server = self.connect()
        running = [Background(session.run, f"code {i}") for i in range(16)]
        frames = [server.next("execute") for _ in running]
        self.assertEqual(len({frame["id"] for frame in frames}), 16)
        for frame in reversed(frames):
            server.output(frame["id"], frame["code"].encode())
            server.done(frame["id"])
        self.assertEqual([one.outcome().stdout for one in running], [f"code {i}" for i in range(16)])


class Streaming(WithPeer):
    def test_iteration_has_what_comes_as_it_comes(self):
        session, server = self.connect()
        execution = session.start("code")
        id = server.next("execute")["id"]
        server.output(id, b"early ")
        wait_for(lambda: execution._kept["stdout"].text() == "early ")
        both = iter(execution)
        self.assertEqual(next(both), ("stdout", "early "))
        server.output(id, b"e", "stderr")
        self.assertEqual(next(both), ("stderr", "e"))
        server.output(id, b"late")
        self.assertEqual(next(both), ("stdout", "late"))
        self.assertFalse(execution.done)
        server.done(id)
        self.assertEqual(list(both), [])
        self.assertEqual(execution.result().stdout, "early late")
        with self.assertRaises(zeroboot.InvalidOptionError):
            execution.stdout

    def test_one_stream_may_be_iterated_alone_and_in_bytes(self):
        session, server = self.connect()
        execution = session.start("code")
        id = server.next("execute")["id"]
        raw = execution.raw("stdout")
        server.output(id, b"\xff\x00")
        server.output(id, b"e", "stderr")
        server.done(id)
        self.assertEqual(list(raw), [("stdout", b"\xff\x00")])
        self.assertEqual(list(execution.stderr), ["e"])

    def test_a_result_can_be_waited_for_a_while(self):
        session, server = self.connect()
        execution = session.start("code")
        id = server.next("execute")["id"]
        with self.assertRaises(TimeoutError):
            execution.result(0.05)
        server.done(id)
        self.assertEqual(execution.result(PATIENCE).exit_code, 0)
        execution.interrupt()
        execution.write("to nobody")
        Background(session.ping)
        server.next("ping")


class Credit(WithPeer):
    def test_is_returned_for_every_64_kib_of_whatever(self):
        session, server = self.connect()
        first, second = session.start("a"), session.start("b")
        ids = [server.next("execute")["id"] for _ in range(2)]
        server.output(ids[0], b"x" * 32_768)
        server.output(ids[1], b"x" * 32_767, "stderr")
        server.send({"type": "result", "id": ids[0], "bundle": {"text/plain": "€"}})
        self.assertEqual(server.next("credit")["bytes"], 65_538)
        server.send({"type": "error", "id": ids[0], "name": "é", "message": "y" * 65_536, "traceback": ""})
        self.assertEqual(server.next("credit")["bytes"], 65_538)
        server.send({"type": "display", "id": ids[1], "bundle": {"text/plain": "", "image/png": bytes(70_000)}})
        self.assertEqual(server.next("credit")["bytes"], 70_000)
        for id in ids:
            server.done(id)
        self.assertEqual(first.result().error.name, "é")
        self.assertEqual(len(second.result().displays), 1)

    def test_is_returned_by_the_quarter_of_a_small_window(self):
        session, server = self.connect({**READY, "limits": {**LIMITS, "initialCreditBytes": 1000}})
        session.start("a")
        id = server.next("execute")["id"]
        server.output(id, b"x" * 249)
        server.output(id, b"x")
        self.assertEqual(server.next("credit")["bytes"], 250)

    def test_is_not_returned_for_what_has_not_been_reached(self):
        session, server = self.connect()
        execution = session.start("code")
        id = server.next("execute")["id"]
        chunks = execution.raw("stdout")
        for _ in range(4):
            server.output(id, b"x" * 65_536)
        pinging = Background(session.ping)
        nonce = server.next("ping")["nonce"]  # and no credit before it
        server.send({"type": "pong", "nonce": nonce})
        pinging.outcome()
        next(chunks)
        self.assertEqual(server.next("credit")["bytes"], 65_536)
        # Who stops iterating is not waited for.
        chunks.close()
        self.assertEqual(server.next("credit")["bytes"], 3 * 65_536)
        server.output(id, b"x" * 65_536)
        self.assertEqual(server.next("credit")["bytes"], 65_536)

    def test_a_slow_callback_holds_the_guest_back(self):
        session, server = self.connect()
        goes_on = threading.Event()
        running = Background(session.run, "code", on_stdout=lambda _: goes_on.wait(PATIENCE))
        id = server.next("execute")["id"]
        for _ in range(4):
            server.output(id, b"x" * 65_536)
        self.assertEqual(server.next("credit")["bytes"], 65_536)
        pinging = Background(session.ping)
        server.send({"type": "pong", "nonce": server.next("ping")["nonce"]})
        self.assertGreater(pinging.outcome(), 0)
        goes_on.set()
        self.assertEqual([server.next("credit")["bytes"] for _ in range(3)], [65_536] * 3)
        server.done(id)
        running.outcome()


class Input(WithPeer):
    def test_all_of_it_is_sent_and_closed(self):
        session, server = self.connect()
        running = Background(session.run, "code", stdin="é" * 50_000)
        self.assertEqual(server.next("execute")["stdin"], "open")
        frames = [server.next("stdin") for _ in range(3)]
        self.assertEqual([len(frame["data"]) for frame in frames], [65_536, 34_464, 0])
        self.assertEqual([frame.get("eof") for frame in frames], [None, None, True])
        server.done("1")
        running.outcome()

    def test_questions_are_answered(self):
        session, server = self.connect()
        lines = iter(["Ann", None])
        asked = []

        def on_input(request):
            asked.append(request)
            return next(lines)

        running = Background(session.run, "code", on_input=on_input)
        id = server.next("execute")["id"]
        server.send({"type": "inputRequest", "id": id, "prompt": "name? ", "password": False})
        self.assertEqual(server.next("stdin")["data"], b"Ann\n")
        server.send({"type": "inputRequest", "id": id, "prompt": "", "password": True})
        self.assertEqual(server.next("stdin")["eof"], True)
        server.done(id)
        running.outcome()
        self.assertEqual(asked, [zeroboot.InputRequest("name? ", False), zeroboot.InputRequest("", True)])

    def test_what_the_server_has_no_room_for_is_sent_again(self):
        session, server = self.connect()
        execution = session.start("code", stdin="open")
        id = server.next("execute")["id"]
        writing = Background(execution.write, b"a" * (1024 * 1024) + b"last")
        for _ in range(16):
            self.assertEqual(len(server.next("stdin")["data"]), 65_536)
        for refusals_left in (2, 1, 0):
            self.assertEqual(server.next("stdin")["data"], b"last")
            nonce = server.next("ping")["nonce"]
            self.assertTrue(writing.going_on)
            if refusals_left:
                server.send({"type": "failure", "code": "stdin_overflow", "message": "", "frame": "stdin", "id": id})
            server.send({"type": "pong", "nonce": nonce})
        writing.outcome()
        execution.close_stdin()
        execution.close_stdin()
        self.assertTrue(server.next("stdin")["eof"])
        with self.assertRaises(zeroboot.InvalidOptionError):
            execution.write("more")
        server.done(id)
        execution.result()

    def test_more_than_is_held_does_not_hold_up_its_output(self):
        session, server = self.connect()
        seen = []
        running = Background(session.run, "code", stdin=b"a" * (1024 * 1024 + 1), on_stdout=seen.append)
        id = server.next("execute")["id"]
        for _ in range(17):
            server.next("stdin")
        nonce = server.next("ping")["nonce"]
        for _ in range(2):
            server.output(id, b"x" * 65_536)
            self.assertEqual(server.next("credit")["bytes"], 65_536)
        server.send({"type": "pong", "nonce": nonce})
        self.assertTrue(server.next("stdin")["eof"])
        server.done(id)
        self.assertEqual(running.outcome().stdout, "".join(seen))

    def test_a_writer_is_let_go_when_the_execution_ends(self):
        session, server = self.connect()
        execution = session.start("code", stdin="open")
        id = server.next("execute")["id"]
        writing = Background(execution.write, b"a" * (2 * 1024 * 1024))
        for _ in range(17):
            server.next("stdin")
        nonce = server.next("ping")["nonce"]
        server.send({"type": "failure", "code": "stdin_overflow", "message": "", "frame": "stdin", "id": id})
        server.done(id)
        server.send({"type": "pong", "nonce": nonce})
        writing.outcome()

    def test_input_that_is_lost_ends_the_execution(self):
        session, server = self.connect()
        execution = session.start("code", stdin="open")
        id = server.next("execute")["id"]
        execution.write("x")
        server.next("stdin")
        server.send({"type": "failure", "code": "stdin_closed", "message": "no", "frame": "stdin", "id": id})
        with self.assertRaises(zeroboot.ZerobootError) as caught:
            execution.result(PATIENCE)
        self.assertEqual(caught.exception.code, "stdin_closed")
        server.next("interrupt")

    def test_closed_input_takes_nothing(self):
        session, _ = self.connect()
        with self.assertRaises(zeroboot.InvalidOptionError):
            session.start("code").write("x")


class Asking(WithPeer):
    def test_completion_and_check(self):
        session, server = self.connect()
        asking = Background(session.complete, "😀.al")
        frame = server.next("complete")
        self.assertEqual((frame["code"], frame["cursor"]), ("😀.al", 4))
        server.send({"type": "completed", "id": frame["id"], "matches": ["alpha"], "start": 2, "end": 4})
        self.assertEqual(asking.outcome(), zeroboot.Completion(["alpha"], 2, 4))
        asking = Background(session.check, "if x:")
        server.send({"type": "checked", "id": server.next("check")["id"], "status": "incomplete", "indent": "    "})
        self.assertEqual(asking.outcome(), zeroboot.CodeCheck("incomplete", "    "))
        asking = Background(session.inspect, "😀(len)", 3)
        frame = server.next("inspect")
        self.assertEqual((frame["code"], frame["cursor"]), ("😀(len)", 3))
        bundle = {"text/plain": "len(obj, /)", "text/html": "<b>len</b>"}
        server.send({"type": "inspected", "id": frame["id"], "found": True, "bundle": bundle})
        self.assertEqual(asking.outcome(), zeroboot.Inspection(True, bundle))
        with self.assertRaises(zeroboot.InvalidOptionError):
            session.inspect("len", 4)
        asking = Background(session.check, "1")
        id = server.next("check")["id"]
        server.send({"type": "failure", "code": "restarted", "message": "", "frame": "check", "id": id})
        with self.assertRaises(zeroboot.ExecutionRefusedError):
            asking.outcome()

    def test_restarts_and_failures_are_reported(self):
        restarts, failures = [], []

        def on_restart(restart):
            restarts.append(restart)
            raise ValueError("the callback's own")

        session, server = self.connect(on_restart=on_restart, on_failure=failures.append)
        with self.assertLogs("zeroboot"):
            server.send({"type": "restarted", "vmId": "w", "forkTimeUs": 5, "reason": "timeout"})
            server.send({"type": "failure", "code": "unknown_execution", "message": "?", "frame": "stdin", "id": "9"})
            pinging = Background(session.ping)
            server.send({"type": "pong", "nonce": server.next("ping")["nonce"]})
            pinging.outcome()
        self.assertEqual(restarts, [zeroboot.SessionRestart("w", 5, "timeout")])
        self.assertEqual((session.vm_id, session.fork_time_us), ("w", 5))
        self.assertEqual([failure.code for failure in failures], ["unknown_execution"])


class Ending(WithPeer):
    def test_close_ends_all_that_waits(self):
        session, server = self.connect()
        running, pinging, asking = Background(session.run, "a"), Background(session.ping), Background(session.check, "b")
        for _ in range(3):
            server.read()
        leaving = Background(server.leave)
        session.close()
        session.close()
        leaving.outcome()
        for waiting in (running, pinging, asking):
            with self.assertRaises(zeroboot.SessionClosedError) as caught:
                waiting.outcome()
            self.assertEqual(caught.exception.code, "session_closed")
        for call in (session.ping, session.interrupt, lambda: session.run("c")):
            with self.assertRaises(zeroboot.SessionClosedError):
                call()
        self.assertTrue(session.closed)
        self.assertFalse([thread for thread in threading.enumerate() if thread is session._receiver])

    def test_close_does_not_wait_for_a_server_that_is_gone(self):
        session, server = self.connect()
        start = time.monotonic()
        session.close()
        self.assertLess(time.monotonic() - start, PATIENCE)
        self.assertFalse(session._receiver.is_alive())

    def ended(self, code, end, kind=zeroboot.SessionClosedError):
        session, server = self.connect()
        running = Background(session.run, "code")
        server.next("execute")
        end(server)
        with self.assertRaises(kind) as caught:
            running.outcome()
        self.assertEqual(caught.exception.code, code)
        self.assertIs(session.end, caught.exception)

    def test_its_reason_is_what_the_server_said_last(self):
        def closed(server):
            server.send({"type": "closed", "reason": "idle_timeout", "message": "too long"})
            server.close(4408)

        self.ended("idle_timeout", closed)
        self.ended("shutting_down", lambda server: server.close(1001))
        self.ended("connection_lost", lambda server: server.sock.close())
        self.ended("connection_lost", lambda server: server.close(4999))

        def failure(server):
            server.send({"type": "failure", "code": "too_many_failures", "message": "!"})
            server.close(1008)

        self.ended("too_many_failures", failure)

    def test_a_server_that_breaks_the_protocol(self):
        for data in (
            server_frame(0x81, b"text"),
            server_frame(0x82, b"\xc1"),
            server_frame(0x82, b"\x91" * 100),
            server_frame(0x82, b"\x80"),
            b"\x82\x7f" + b"\x7f" * 8,
        ):
            self.ended("protocol_error", lambda server: server.sock.sendall(data), zeroboot.ProtocolError)
        for frame in (
            READY,
            {**DONE, "id": "77"},
            {"type": "stdout", "id": "77", "seq": 0, "data": b""},
            {"type": "stdout", "id": "1", "seq": 0, "data": "text"},
            {"type": "pong", "nonce": 3},
            {"type": "checked", "id": "77", "status": "complete", "indent": ""},
            {**DONE, "id": "1", "exitCode": "0"},
        ):
            self.ended("protocol_error", lambda server: server.send(frame), zeroboot.ProtocolError)

    def test_what_had_arrived_is_had_before_the_error(self):
        session, server = self.connect()
        execution = session.start("code")
        id = server.next("execute")["id"]
        output = execution.stdout
        server.output(id, b"last words")
        server.sock.close()
        self.assertEqual(next(output), "last words")
        with self.assertRaises(zeroboot.SessionClosedError):
            next(output)


if __name__ == "__main__":
    unittest.main()
