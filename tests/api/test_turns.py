"""Questions by turns: few at once, fair among askers, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from trueline.api.errors import BusyError
from trueline.api.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 30.0


def test_one_asker_leaves_room_for_another() -> None:
    async def check() -> None:
        turns = Turns(at_once=3, of_one=2, most_waiting=10)
        ends = [await turns.take("a", SECONDS) for _ in range(2)]
        third = asyncio.create_task(turns.take("a", SECONDS))
        await asyncio.sleep(0)
        await asyncio.wait_for(turns.take("b", SECONDS), 1)
        assert not third.done()
        ends[0]()
        await asyncio.wait_for(third, 1)

    asyncio.run(check())


def test_who_has_just_given_up_is_passed_over_and_takes_no_turn_away() -> None:
    async def check() -> None:
        turns = Turns(at_once=1, of_one=1, most_waiting=10)
        end = await turns.take("a", SECONDS)
        given_up = asyncio.create_task(turns.take("b", SECONDS))
        waits = asyncio.create_task(turns.take("c", SECONDS))
        await asyncio.sleep(0)
        given_up.cancel()  # its turn is called off at once, and it comes to say so later
        end()
        (await asyncio.wait_for(waits, 1))()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        for asker in ("b", "c"):
            (await asyncio.wait_for(turns.take(asker, SECONDS), 1))()

    asyncio.run(check())


def test_who_waits_is_let_in_by_turns_of_the_askers() -> None:
    async def check() -> list[str]:
        turns = Turns(at_once=1, of_one=1, most_waiting=10)
        came: list[str] = []

        async def ask(asker: str) -> None:
            end = await turns.take(asker, SECONDS)
            came.append(asker)
            await asyncio.sleep(0)
            end()

        end = await turns.take("a", SECONDS)
        tasks = [asyncio.create_task(ask(asker)) for asker in "aaabbc"]
        await asyncio.sleep(0)
        end()
        await asyncio.gather(*tasks)
        return came

    assert asyncio.run(check()) == list("abcaba")


@pytest.mark.parametrize("leaves", ["late", "cancelled"])
def test_who_gives_up_takes_no_turn_from_others(leaves: str) -> None:
    async def check() -> None:
        turns = Turns(at_once=1, of_one=1, most_waiting=10)
        end = await turns.take("a", SECONDS)
        if leaves == "late":
            with pytest.raises(BusyError):
                await turns.take("b", 0.01)
        else:
            task = asyncio.create_task(turns.take("b", SECONDS))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        end()
        await asyncio.wait_for(turns.take("c", SECONDS), 1)

    asyncio.run(check())


def test_a_turn_that_comes_as_one_gives_up_goes_to_the_next() -> None:
    async def check() -> None:
        turns = Turns(at_once=1, of_one=1, most_waiting=10)
        end = await turns.take("a", SECONDS)
        waits = asyncio.create_task(turns.take("b", SECONDS))
        following: asyncio.Task[Callable[[], None]] = asyncio.create_task(turns.take("c", SECONDS))
        await asyncio.sleep(0)
        end()
        waits.cancel()  # at once: its turn has come, and it does not know yet
        await asyncio.wait([waits])
        await asyncio.wait_for(following, 1)

    asyncio.run(check())


def test_no_more_than_so_many_wait() -> None:
    async def check() -> None:
        turns = Turns(at_once=1, of_one=1, most_waiting=1)
        await turns.take("a", SECONDS)
        waits = asyncio.create_task(turns.take("b", SECONDS))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await turns.take("c", SECONDS)
        waits.cancel()
        await asyncio.wait([waits])

    asyncio.run(check())
