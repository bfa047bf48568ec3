import random
import unittest

from zeroboot._msgpack import MsgpackError, pack, unpack


def random_value(source: random.Random, depth: int = 0):
    kinds = ["nil", "bool", "int", "float", "str", "bin"] + (["list", "map"] if depth < 6 else [])
    kind = source.choice(kinds)
    if kind == "nil":
        return None
    if kind == "bool":
        return source.random() < 0.5
    if kind == "int":
        return source.choice([1, -1]) * source.getrandbits(source.randrange(64)) if source.random() < 0.9 else 2**64 - 1
    if kind == "float":
        return source.uniform(-1e300, 1e300)
    if kind == "str":
        return "".join(chr(source.choice([65, 0xE9, 0x20AC, 0x1F600])) for _ in range(source.randrange(40)))
    if kind == "bin":
        return source.randbytes(source.choice([0, 1, 255, 256, 65535, 65536]) if source.random() < 0.1 else 5)
    if kind == "list":
        return [random_value(source, depth + 1) for _ in range(source.randrange(4))]
    return {f"key{i}": random_value(source, depth + 1) for i in range(source.randrange(4))}


class RoundTrips(unittest.TestCase):
    def test_every_value_comes_back(self):
        source = random.Random(7)
        for _ in range(3000):
            value = random_value(source)
            self.assertEqual(unpack(pack(value)), value)

    def test_the_edges_of_every_form(self):
        for bits in range(65):
            for value in (2**bits - 1, -(2 ** min(bits, 63)), -(2 ** min(bits, 63)) + 1):
                self.assertEqual(unpack(pack(value)), value)
        for length in (0, 15, 16, 31, 32, 255, 256, 65535, 65536):
            self.assertEqual(unpack(pack("x" * length)), "x" * length)
            self.assertEqual(unpack(pack(b"x" * length)), b"x" * length)
        for length in (0, 15, 16, 64):
            self.assertEqual(unpack(pack({str(i): i for i in range(length)})), {str(i): i for i in range(length)})
        for length in (0, 15, 16, 256):
            self.assertEqual(unpack(pack([1] * length)), [1] * length)

    def test_the_shortest_form_is_used(self):
        for value, packed in [
            (127, "7f"),
            (128, "cc80"),
            (-32, "e0"),
            (-33, "d0df"),
            ("a" * 31, "bf" + "61" * 31),
            (b"", "c400"),
            ({"a": None}, "81a161c0"),
            ([True, False], "92c3c2"),
            (1.5, "cb3ff8000000000000"),
        ]:
            self.assertEqual(pack(value).hex(), packed)

    def test_whole_numbers_are_integers_however_they_are_written(self):
        for data, number in [("cb4202a05f20000000", 10**10), ("ca3f800000", 1), ("cbc340000000000000", -(2**53))]:
            self.assertIs(type(unpack(bytes.fromhex(data))), int)
            self.assertEqual(unpack(bytes.fromhex(data)), number)
        self.assertIs(type(unpack(pack(1.5))), float)
        self.assertEqual(unpack(pack(float("inf"))), float("inf"))

    def test_what_has_no_form_is_refused(self):
        for value in (object(), 2**64, -(2**63) - 1, {1, 2}):
            with self.assertRaises(TypeError):
                pack(value)
        with self.assertRaises(UnicodeEncodeError):
            pack("\ud800")


class BadInput(unittest.TestCase):
    def refused(self, data: bytes, why: str) -> None:
        with self.assertRaisesRegex(MsgpackError, why):
            unpack(data)

    def test_every_truncation_is_found(self):
        whole = pack({"a": [1, 300, 70000, 2**40, -5, 1.5, "text" * 20, b"data" * 80, {"b": None}], "c": "x" * 70000})
        unpack(whole)
        for length in [*range(600), *range(600, len(whole), 997)]:
            self.refused(whole[:length], "truncated")

    def test_what_follows_is_found(self):
        self.refused(pack({}) + b"\xc0", "trailing")

    def test_lengths_that_are_not_there_cost_nothing(self):
        for head in ("dbffffffff", "c6ffffffff"):
            self.refused(bytes.fromhex(head), "truncated")
        for head in ("ddffffffff", "dfffffffff", "dc0101", "de0041"):
            self.refused(bytes.fromhex(head), "too large")

    def test_nesting_ends(self):
        self.refused(b"\x91" * 100_000, "too deep")
        self.refused(b"\x81\xa1a" * 100_000, "too deep")
        self.assertEqual(unpack(b"\x91" * 8 + b"\xc0"), [[[[[[[[None]]]]]]]])

    def test_values_are_counted(self):
        wide = b"\xdc\x01\x00" + (b"\xdc\x01\x00" + b"\xc0" * 256) * 256
        self.refused(wide, "too many values")

    def test_types_that_are_not_plain(self):
        for data in ("c1", "d4ff00", "c70001", "d6ff00000000", "c80001ff00"):
            self.refused(bytes.fromhex(data), "extension or invalid")

    def test_keys(self):
        self.refused(bytes.fromhex("8201c002c0"), "no string")
        self.refused(bytes.fromhex("82a161c0a161c0"), "duplicate")
        self.refused(b"\x81\xd9\x81" + b"a" * 129 + b"\xc0", "too long")

    def test_text_is_utf8(self):
        for data in ("a1ff", "a2c080", "a3eda080", "a1e2"):
            self.refused(bytes.fromhex(data), "UTF-8")

    def test_random_bytes_do_nothing_but_fail(self):
        source = random.Random(11)
        for _ in range(20_000):
            try:
                unpack(source.randbytes(source.randrange(1, 64)))
            except MsgpackError:
                pass


if __name__ == "__main__":
    unittest.main()
