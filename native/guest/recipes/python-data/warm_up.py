"""Run by the agent in the template, before it is captured: what users of this image import first, and do first."""

import matplotlib.pyplot  # noqa: F401
import pandas  # noqa: F401

# Each fills caches (of fonts, of formats, of bytecode that has been run) that every fork then has.
CELLS = (
    "import pandas as pd\npd.DataFrame({'a': [1, 2, 3], 'b': [0.5, 1.5, None], 'c': ['x', 'y', 'z']})",
    "frame = pd.DataFrame({'a': [1, 2, 3, 4], 'b': ['x', 'y', 'x', 'y']})\n"
    "print(frame.describe(), frame.groupby('b')['a'].mean(), frame.merge(frame, on='a'))\n"
    "import io\n"
    "pd.read_csv(io.StringIO(frame.to_csv(index=False)), parse_dates=False)",
    "import matplotlib.pyplot as plt\n"
    "plt.plot([1, 2, 3], [1, 4, 9], label='squares')\n"
    "plt.title('Title')\nplt.xlabel('x')\nplt.ylabel('y')\nplt.legend()\nplt.grid(True)",
    "figure, (left, right) = plt.subplots(1, 2)\n"
    "left.bar(['a', 'b'], [1, 2])\nright.hist([1, 2, 2, 3])\nright.scatter([1], [2])\nplt.show()",
    "frame.plot(x='b', y='a', kind='bar')",
)
