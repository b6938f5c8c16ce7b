"""Folders like /sys, /proc and /dev of machines that have GPUs."""

from __future__ import annotations

from pathlib import Path

H200 = "10de:2335"


class FakeKernel:
    """A tree under ``root``, empty at first: a machine without a GPU."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, text: str = "", mode: int = 0o666) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def pci(self, address: str, number: str, driver: str | None = None, *, kind: str = "030200") -> Path:
        """A device on PCI. ``number``: as ``10de:2335``."""
        folder = f"sys/bus/pci/devices/{address}"
        vendor, _, device = number.partition(":")
        self.file(f"{folder}/vendor", f"0x{vendor}\n")
        self.file(f"{folder}/device", f"0x{device}\n")
        self.file(f"{folder}/class", f"0x{kind}\n")
        if driver is not None:
            (self.root / folder / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")
        return self.root / folder

    def render_node(self, device: Path, name: str = "renderD128", mode: int | None = 0o666) -> None:
        """Of DRM, and its device file unless ``mode`` is None."""
        (device / "drm" / name).mkdir(parents=True)
        if mode is not None:
            self.file(f"dev/dri/{name}", mode=mode)

    def nvidia(self, address: str = "0000:65:00.0", number: str = H200, *, minor: int = 0, mode: int = 0o666) -> None:
        """A GPU with NVIDIA's kernel driver, whose files are as they should be."""
        self.pci(address, number, "nvidia")
        self.file(f"proc/driver/nvidia/gpus/{address}/information", f"Model: \t H200\nDevice Minor: \t {minor}\n")
        self.file("sys/module/nvidia/version", "570.86.15\n")
        for name in ("nvidiactl", f"nvidia{minor}"):
            self.file(f"dev/{name}", mode=mode)
