def __getattr__(name: str) -> object:
    if name in ("GpuError", "WgslError", "run"):
        raise AttributeError(
            f"dcp.gpu.{name} is for work functions: it is there inside their sandboxes only; here there is dcp.gpu_map"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
