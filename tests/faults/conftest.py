"""The builders of this folder, and how many schedules are played."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # its builders are modules, not tests
