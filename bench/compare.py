"""Trueline beside what people would use instead: the same events, the same questions, in turns.

The exit code is 1 where two of them answer differently. See docs/benchmarks.md.
"""

import sys

if __name__ == "__main__":
    # Here, since the server's process imports this module anew, and its memory is measured without pandas and such.
    from comparison import main

    sys.exit(main())
