"""`python -m labeling`."""

import signal
import sys

from labeling.cli import main

if __name__ == "__main__":
    # Ended from outside, take the unfinished output away as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
