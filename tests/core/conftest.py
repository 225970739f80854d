"""The core: decision, loop, times and words, on rounds that the builders make."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "builders"))  # test folders are no packages
