"""Keccak-256, signatures and their checks: what each message of DCP costs beside its transport."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable

from dcp_protocol.keys.hashes import keccak_256
from dcp_protocol.keys.private_key import PrivateKey

_MEGABYTES = 10
_LONG = bytes(range(250)) * (_MEGABYTES * 4000)
_MESSAGE = b'{"operation":"requestTask","data":{"numCores":4}}'


def _quartiles(rates: list[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(rates, n=4)
    return low, high


def _rate(step: Callable[[], object], units: float) -> float:
    """Units a second of CPU time, which tells the same on a busy machine."""
    begun = time.thread_time()
    step()
    return units / (time.thread_time() - begun)


def _rates(benchmark, step: Callable[[], object], units: float, rounds: int) -> list[float]:
    rates: list[float] = []
    benchmark.pedantic(lambda: rates.append(_rate(step, units)), rounds=rounds, warmup_rounds=1)
    return rates[1:]


def test_keccak_256(benchmark, measure, full):
    """SHA3-256, which OpenSSL has, is the same permutation with other padding."""
    theirs = statistics.median(_rate(lambda: hashlib.sha3_256(_LONG).digest(), _MEGABYTES) for _ in range(5))
    ours = _rates(benchmark, lambda: keccak_256(_LONG), _MEGABYTES, 50 if full else 15)
    target = f">= 300; OpenSSL's SHA3-256: {theirs:,.0f}"
    measure("Keccak-256 of 10 MB", statistics.median(ours), "MB/s", target, spread=_quartiles(ours))


def test_signatures(benchmark, measure, full):
    key = PrivateKey.generate()

    def sign() -> None:
        for _ in range(100):
            key.sign(_MESSAGE)

    rates = _rates(benchmark, sign, 100, 50 if full else 15)
    measure("signatures of a short message", statistics.median(rates), "/s", spread=_quartiles(rates))


def test_signers(benchmark, measure, full):
    key = PrivateKey.generate()
    signature = key.sign(_MESSAGE)

    def recover() -> None:
        for _ in range(100):
            assert signature.recover(_MESSAGE) == key.address

    rates = _rates(benchmark, recover, 100, 50 if full else 15)
    measure("signers found by their signatures", statistics.median(rates), "/s", spread=_quartiles(rates))
