import os
import random
import socket
import struct
import threading
import time
import unittest

from zeroboot._handshake import HandshakeRefused, accept_of, shake_hands
from zeroboot._stream import Reader, Stream
from zeroboot._websocket import WebSocket, WebSocketClosed, WebSocketError, frame_of, masked

from .peer import PATIENCE, Background, PeerConnection, server_frame


class Masking(unittest.TestCase):
    def test_is_that_of_every_byte(self):
        source = random.Random(3)
        for length in [*range(70), 4096, 65537]:
            data, mask = source.randbytes(length), source.randbytes(4)
            expected = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            self.assertEqual(masked(data, mask), expected)

    def test_frames_have_the_shortest_head(self):
        for length, head in [(0, "8280"), (125, "82fd"), (126, "82fe007e"), (65535, "82feffff")]:
            self.assertTrue(frame_of(2, bytes(length), b"mask").hex().startswith(head + b"mask".hex()))
        self.assertTrue(frame_of(2, bytes(65536)).startswith(b"\x82\xff" + struct.pack("!Q", 65536)))


class OverAPair(unittest.TestCase):
    def setUp(self):
        mine, self.theirs = socket.socketpair()
        self.theirs.settimeout(PATIENCE)
        self.stream = Stream(mine)
        self.reader = Reader(self.stream, time.monotonic() + PATIENCE)
        self.socket = WebSocket(self.stream, self.reader, 1024 * 1024)

    def tearDown(self):
        self.stream.close()
        self.theirs.close()

    def receives(self, data: bytes):
        sender = Background(self.theirs.sendall, data)
        try:
            return self.socket.receive()
        finally:
            sender.outcome()

    def refuses(self, data: bytes, close_code: int):
        with self.assertRaises(WebSocketError) as caught:
            self.receives(data)
        self.assertEqual(caught.exception.close_code, close_code)

    def test_messages_of_every_length(self):
        for length in (0, 1, 125, 126, 127, 65535, 65536, 200_000, 1024 * 1024):
            message = os.urandom(length)
            self.assertEqual(self.receives(server_frame(0x82, message)), message)

    def test_many_in_one_piece_and_one_in_many_pieces(self):
        messages = [os.urandom(length) for length in (0, 3, 126, 70_000, 5, 65536, 1)]
        data = b"".join(server_frame(0x82, message) for message in messages)
        sender = Background(lambda: [self.theirs.sendall(data[at : at + 997]) for at in range(0, len(data), 997)])
        self.assertEqual([self.socket.receive() for _ in messages], messages)
        sender.outcome()
        Background(self.theirs.sendall, data)
        self.assertEqual([self.socket.receive() for _ in messages], messages)

    def test_fragments_with_a_ping_between_them(self):
        data = server_frame(0x02, b"one ") + server_frame(0x89, b"alive?") + server_frame(0x00, b"") + server_frame(0x80, b"two")
        self.assertEqual(self.receives(data), b"one two")
        peer_read = self.theirs.recv(64)
        self.assertEqual(peer_read[:2], b"\x8a\x86")
        self.assertEqual(masked(peer_read[6:], peer_read[2:6]), b"alive?")

    def test_what_breaks_the_rules(self):
        for data, code in [
            (server_frame(0xC2, b""), 1002),  # a reserved bit
            (server_frame(0x83, b""), 1002),  # an opcode nobody knows
            (b"\x82\x80mask", 1002),  # a mask
            (server_frame(0x80, b""), 1002),  # a continuation of nothing
            (server_frame(0x02, b"a") + server_frame(0x82, b"b"), 1002),
            (server_frame(0x09, b""), 1002),  # a ping in parts
            (b"\x89\x7e\x00\x80", 1002),  # a long ping
            (server_frame(0x88, b"\x03"), 1002),  # half a close code
            (server_frame(0x88, b"\x03\xe8\xff"), 1007),
            (server_frame(0x81, b"text"), 1003),
            (struct.pack("!BBQ", 0x82, 127, 1 << 62), 1009),
            (struct.pack("!BBQ", 0x82, 127, 1024 * 1024 + 1), 1009),
            (server_frame(0x02, bytes(1024 * 1024)) + server_frame(0x80, b"x"), 1009),
            (server_frame(0x02, b"") + server_frame(0x00, b"") * 2000, 1009),
        ]:
            with self.subTest(data[:16].hex()):
                self.tearDown()
                self.setUp()
                self.refuses(data, code)

    def test_a_close_is_answered_once(self):
        for payload, code, reason in [(b"", 1005, ""), (b"\x03\xe8", 1000, ""), (b"\x11\x31why", 4401, "why")]:
            self.tearDown()
            self.setUp()
            with self.assertRaises(WebSocketClosed) as caught:
                self.receives(server_frame(0x88, payload))
            self.assertEqual((caught.exception.code, caught.exception.reason), (code, reason))
            answer = self.theirs.recv(64)
            self.assertEqual(masked(answer[6:], answer[2:6]), payload[:2])
            self.socket.close(1000)
            self.socket.send(b"nothing follows")
            self.stream.close()
            self.assertEqual(self.theirs.recv(64), b"")

    def test_the_end(self):
        self.theirs.sendall(b"\x82\x05ab")
        self.theirs.close()
        with self.assertRaises(EOFError):
            self.socket.receive()

    def test_one_who_waits_is_told_when_it_is_shut_down(self):
        self.reader.deadline = None
        waiting = Background(self.socket.receive)
        time.sleep(0.05)
        self.stream.shut_down()
        with self.assertRaises((EOFError, OSError)):
            waiting.outcome()

    def test_frames_of_many_threads_stay_whole(self):
        def send(number):
            for _ in range(20):
                self.socket.send(bytes([number]) * 20_000)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        peer = object.__new__(PeerConnection)
        peer.sock = self.theirs
        for _ in range(80):
            _, message = peer.read()
            self.assertEqual(message, message[:1] * 20_000)
        for thread in threads:
            thread.join()

    def test_a_deadline(self):
        self.reader.deadline = time.monotonic() + 0.05
        with self.assertRaises(TimeoutError):
            self.socket.receive()


class Handshake(unittest.TestCase):
    def test_the_key_of_the_standard(self):
        self.assertEqual(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    def answered(self, answer: bytes):
        mine, theirs = socket.socketpair()
        stream = Stream(mine)
        try:
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            reader = Reader(stream, time.monotonic() + PATIENCE)
            shake_hands(stream, reader, authority="h", target="/", subprotocol="p", headers={})
        finally:
            stream.close()
            theirs.close()

    def test_answers_that_are_none(self):
        upgrade = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        for answer, why in [
            (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
            (b"HTTP/1.1 abc\r\n\r\n", "not HTTP"),
            (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "not HTTP"),
            (b"HTTP/1.1 101 X\r\n\r\n", "no upgrade"),
            (upgrade + b"Sec-WebSocket-Accept: wrong\r\n\r\n", "wrong key"),
        ]:
            with self.assertRaisesRegex(HandshakeRefused, why):
                self.answered(answer)
        with self.assertRaises(EOFError):
            self.answered(b"HTTP/1.1 101 X\r\n")

    def test_a_refusal_has_its_body(self):
        for head in (b"Content-Length: 4\r\n\r\n", b"\r\n"):
            with self.assertRaises(HandshakeRefused) as caught:
                self.answered(b"HTTP/1.1 401 Unauthorized\r\n" + head + b"body")
            self.assertEqual((caught.exception.status, caught.exception.body), (401, b"body"))


if __name__ == "__main__":
    unittest.main()
