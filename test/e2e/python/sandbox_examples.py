"""The calls that the original's documents show, made as they show them: key and server come from the environment."""

import asyncio
import json
import os

import zeroboot
from zeroboot import Sandbox

sb = Sandbox(os.environ["ZEROBOOT_API_KEY"])
result = sb.run("print(1 + 1)")
print(result)

result = sb.run("""
import numpy as np
arr = np.arange(10)
print(arr.mean())
""")
print(result)


def for_an_agent(code: str) -> dict:
    sandbox = Sandbox(os.environ["ZEROBOOT_API_KEY"])
    try:
        output = sandbox.run(code)
        return {"success": True, "output": output}
    except Exception as error:
        return {"success": False, "error": str(error)}


said = for_an_agent("import json\nprint(json.dumps({'value': 42}))")
print(said)
print(json.dumps(said))


async def one(code: str, index: int) -> str:
    sandbox = Sandbox(os.environ["ZEROBOOT_API_KEY"])
    output = await asyncio.to_thread(sandbox.run, code)
    return f"[{index}] {output}"


async def all_of(codes):
    return await asyncio.gather(*[one(code, index) for index, code in enumerate(codes)])


for line in asyncio.run(all_of([f"print({i} ** 2)" for i in range(10)])):
    print(line)

for each in sb.run_batch(["print(1 + 1)", "print(2 * 3)", "import math; print(math.pi)"]):
    print(each.stdout, end="")

failed = sb.run("import sys\nprint('out')\nsys.stderr.write('err')\nsys.exit(3)", language="python", timeout=60)
print([failed.stdout, failed.stderr, failed.exit_code, failed.total_time_ms > 0])
late = sb.run("print('early', flush=True)\nwhile True: pass", timeout=2)
print([late.stdout, late.exit_code, late.timed_out])
print(sb.health()["status"])

try:
    Sandbox("zb_live_wrong").run("print(1)")
except zeroboot.RequestError as error:
    print(error.code, error.status)
