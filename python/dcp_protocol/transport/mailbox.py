"""Messages that have come and wait for their owner, who may be slow."""

from __future__ import annotations

from .flag import Flag
from .inbox import Message

_MOST = 1 << 20
"""What waits before the peer has to wait, too: bytes, as ``Message.cost`` counts them."""


class Mailbox:
    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._cost = 0
        self._news, self._room = Flag(), Flag()
        self._has_ended = False

    @property
    def is_full(self) -> bool:
        return self._cost > _MOST and not self._has_ended

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self._cost += message.cost
        self._news.set()

    def put_back(self, message: Message) -> None:
        """What was taken and not used comes first again."""
        self._messages.insert(0, message)
        self._cost += message.cost

    async def get(self) -> Message | None:
        """Waits for the next message; None when none comes any more."""
        while not self._messages:
            if self._has_ended:
                return None
            self._news.clear()
            await self._news.wait()
        message = self._messages.pop(0)
        self._cost -= message.cost
        self._room.set()
        return message

    async def until_room(self) -> None:
        """Waits until the owner has taken something, or the end."""
        if not self._has_ended:
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """Nothing comes any more; what is here may still be taken."""
        self._has_ended = True
        self._news.set()
        self._room.set()
