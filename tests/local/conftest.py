"""The scan of a local folder, on files that the tests write."""

import pytest


@pytest.fixture
def doubled():
    """Makes folders, each with two links to the next: 2 ** `levels` paths lead to the file in the last."""

    def make(root, levels):
        for level in range(levels):
            folder, below = root / f"level_{level}", f"../level_{level + 1}"
            folder.mkdir(parents=True)
            (folder / "one").symlink_to(below)
            (folder / "two").symlink_to(below)
        (root / f"level_{levels}").mkdir()
        (root / f"level_{levels}" / "leaf.py").touch()
        return root / "level_0"

    return make
