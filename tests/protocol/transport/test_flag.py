"""A flag is an event, of which there may be many."""

from __future__ import annotations

import asyncio

from dcp_protocol.transport.flag import Flag


def test_all_who_wait_go_on() -> None:
    async def main() -> None:
        flag = Flag()
        waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        flag.set()
        flag.clear()  # as with asyncio.Event, whoever waited goes on
        await asyncio.gather(*waiting)

    asyncio.run(main())


def test_what_is_set_holds_nobody_up_until_it_is_cleared() -> None:
    async def main() -> None:
        flag = Flag()
        flag.set()
        await flag.wait()
        await flag.wait()
        flag.clear()
        waiting = asyncio.create_task(flag.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        flag.set()
        await waiting

    asyncio.run(main())


def test_who_gives_up_leaves_nothing() -> None:
    async def main() -> None:
        flag = Flag()
        one, other = (asyncio.create_task(flag.wait()) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.wait([one])
        assert flag._waiters is not None
        assert len(flag._waiters) == 1
        flag.set()
        await other
        assert one.cancelled()

    asyncio.run(main())
