"""Law 9: the heap of each room's loaded modules on the 32-bit VM stays within heap_budget.json."""

import pytest
from bench import heap

pytestmark = [pytest.mark.vm32, pytest.mark.libs]


def test_every_room_keeps_to_its_budget():
    sizes, allowed = heap.measure(), heap.budget()
    assert set(sizes) == set(allowed) == set(heap.ROOMS)
    over = {room: (size, allowed[room]) for room, size in sizes.items() if size > allowed[room]}
    assert over == {}


def test_a_room_that_is_not_in_the_budget_is_noticed():
    folders = {path.name for path in (heap.FIRMWARE / "tracker").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders | {"core", "app"} == set(heap.ROOMS)


def test_every_module_is_under_a_line_or_let_go():
    paths = (heap.FIRMWARE / "tracker").rglob("*.py")
    modules = {".".join(path.relative_to(heap.FIRMWARE).with_suffix("").parts) for path in paths}
    counted = {name for room in heap.ROOMS for name in heap.modules_of(room)}
    assert {name.rpartition(".")[2] for name in modules - counted} == set(heap.ONLY_WHEN_ASKED)
