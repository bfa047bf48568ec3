/** Cells to begin with, by what they show. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  numpy: "import numpy as np\n\nx = np.arange(10)\nx.mean()",
  "state is kept": "n = globals().get('n', 0) + 1\nprint(f'this cell has run {n} times in this session')",
  streams:
    "import sys, time\n\nfor i in range(5):\n    print('step', i)\n    time.sleep(0.3)\nprint('no more steps', file=sys.stderr)",
  "input()": "name = input('Your name: ')\nprint('Hello,', name)",
  "an error": "def third(items):\n    return items[2]\n\nthird([1, 2])",
  "endless loop": "while True:\n    pass",
  "its machine":
    "import os, platform\n\nprint(platform.platform())\nprint(open('/proc/meminfo').readline().strip())\nprint('processes:', sum(name.isdigit() for name in os.listdir('/proc')))",
};
