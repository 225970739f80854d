"""The table of wrong greens over lag and sync: nothing within what the gate assumes, and something to see outside."""

from __future__ import annotations

import pytest
from fault_rates import Cell, cells, rate_of, table


@pytest.mark.parametrize("cell", cells(factors=(0.5, 1.0)), ids=str)
def test_within_the_assumed_sync_no_green_is_wrong_and_every_world_turns_green(tmp_path, cell):
    rate = rate_of(cell, range(12), tmp_path)

    assert (rate.wrong, rate.green) == (0, 12), f"{cell}, worlds 0 to 11"


def test_outside_of_it_there_are_wrong_greens_and_comparing_the_texts_makes_them_few(tmp_path):
    plain, compared = (rate_of(Cell(60.0, 3.0, 1, folder), range(20), tmp_path) for folder in (False, True))

    assert plain.wrong >= 10
    assert compared.wrong == 0


def test_the_table_has_a_row_for_each_lag(tmp_path):
    rates = {cell: rate_of(cell, range(1), tmp_path) for cell in cells(factors=(1.0, 5.0), syncs=(10.0,))}

    head, _, *rows = table(rates).splitlines()
    assert head.count("|") == 7
    assert [row.split(" | ")[1] for row in rows] == ["1 times the sync", "5 times the sync"]
    assert rows[0].endswith("| 0 | 0 | 0 | 0 |")
