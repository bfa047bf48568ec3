import ast
import pathlib
import random
import sys
import unittest

import zeroboot
from zeroboot._kept import KeptOutput

PACKAGE = pathlib.Path(zeroboot.__file__).parent


class Package(unittest.TestCase):
    def test_is_python_3_9_and_the_standard_library(self):
        for path in PACKAGE.glob("*.py"):
            tree = ast.parse(path.read_text("utf-8"), str(path), feature_version=(3, 9))
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                else:
                    continue
                roots = {name.split(".")[0] for name in names}
                self.assertLessEqual(roots, getattr(sys, "stdlib_module_names", roots), path.name)  # from 3.10 on

    def test_says_that_it_is_typed(self):
        self.assertTrue((PACKAGE / "py.typed").exists())
        for path in PACKAGE.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                    untyped = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
                    self.assertEqual((untyped, node.returns is None), ([], False), f"{path.name}: {node.name}")

    def test_has_what_it_says(self):
        for name in zeroboot.__all__:
            self.assertTrue(hasattr(zeroboot, name), name)


class Kept(unittest.TestCase):
    def test_is_all_or_head_and_tail(self):
        source = random.Random(5)
        for _ in range(300):
            limit = source.randrange(40)
            kept, data = KeptOutput(limit), b""
            for _ in range(source.randrange(12)):
                chunk = bytes(source.randrange(97, 123) for _ in range(source.randrange(20)))
                kept.add(chunk)
                data += chunk
            if len(data) <= limit:
                self.assertEqual((kept.text(), kept.omitted_bytes), (data.decode(), 0))
            else:
                head, tail = data[: -(-limit // 2)], data[len(data) - limit // 2 :]
                mark = f"\n[{len(data) - limit} bytes left out]\n".encode()
                self.assertEqual(kept.text().encode(), head + mark + tail)
                self.assertEqual(b"".join(kept.chunks()), head + mark + tail)

    def test_does_not_cut_characters(self):
        kept = KeptOutput(8)
        kept.add("€€€€€€".encode())
        self.assertEqual(kept.text(), "€\n[10 bytes left out]\n€")

    def test_holds_no_more_than_twice_its_tail(self):
        kept = KeptOutput(1000)
        for _ in range(10_000):
            kept.add(b"x" * 100)
        self.assertLessEqual(len(kept._tail), 1100)
        self.assertEqual(kept.omitted_bytes, 999_000)


if __name__ == "__main__":
    unittest.main()
