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

    def nvidia(
        self, address: str = "0000:65:00.0", number: str = H200, *, minor: int = 0, mode: int = 0o666,
        model: str = "NVIDIA H200",
    ) -> None:  # fmt: skip
        """A GPU with NVIDIA's kernel driver, whose files are as they should be."""
        self.pci(address, number, "nvidia")
        told = f"Model: \t\t {model}\nIRQ:   \t\t 74\nBus Location: \t {address}\nDevice Minor: \t {minor}\n"
        self.file(f"proc/driver/nvidia/gpus/{address}/information", told)
        self.file("sys/module/nvidia/version", "570.86.15\n")
        for name in ("nvidiactl", f"nvidia{minor}"):
            self.file(f"dev/{name}", mode=mode)

    def amd(self, node: int, address: str, *, minor: int, model: int = 0x740F) -> None:
        """A GPU with ROCm's kernel driver, which is ``node`` of its topology."""
        device = self.pci(address, f"1002:{model:04x}", "amdgpu")
        self.render_node(device, f"renderD{minor}")
        domain, bus, rest = address.split(":")
        place = int(bus, 16) << 8 | int(rest.partition(".")[0], 16) << 3 | int(rest.partition(".")[2])
        self.kfd(
            node, simd_count=416, location_id=place, domain=int(domain, 16), device_id=model, drm_render_minor=minor
        )

    def kfd(self, node: int, **properties: int) -> None:
        """A node of ROCm's topology: CPUs are some of them."""
        text = "".join(f"{name} {value}\n" for name, value in properties.items())
        self.file(f"sys/class/kfd/kfd/topology/nodes/{node}/properties", text)
