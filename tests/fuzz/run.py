"""Runs the fuzzers of build/fuzz, several at a time, and says what they found.

python tests/fuzz/run.py [--seconds N] [--build FOLDER] [TARGET...]

Each starts from tests/fuzz/seeds/TARGET: samples of what is right, and every input that once failed.
The corpus grows in FOLDER/corpus/TARGET from run to run; inputs that fail go to FOLDER/failures, and a failing input
is run again with FOLDER/fuzz/TARGET INPUT.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
# How much more time a target gets than the others: what takes a sandbox's commands is the widest by far.
WEIGHTS = {"gpu_decoder_fuzz": 4}
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-print_final_stats=1"]
PYTHON = sorted(source.stem for source in HERE.glob("*_fuzz.py"))
COUNT = re.compile(r"stat::number_of_executed_units: (\d+)")
COVERED = re.compile(r"cov: (\d+)")


def record_seeds(folder: Path) -> None:
    command = [sys.executable, HERE / "record_gpu_seeds.py", folder / "corpus" / "gpu_decoder_fuzz"]
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        print("no seeds for gpu_decoder_fuzz: is there a Vulkan driver? It starts from nothing", file=sys.stderr)


def fuzz(folder: Path, target: str, seconds: int) -> bool:
    corpus, failures = folder / "corpus" / target, folder / "failures"
    corpus.mkdir(parents=True, exist_ok=True)
    failures.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={failures}/{target}-", *LIMITS]
    seeds = [kept] if (kept := HERE / "seeds" / target).is_dir() else []
    command = [folder / "fuzz" / target, *options, corpus, *seeds]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    runs, covered = COUNT.search(done.stderr), COVERED.findall(done.stderr)
    says = f"{runs[1] if runs else '?'} runs, {covered[-1] if covered else '?'} edges in {seconds} s"
    print(f"{target}: {says if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stderr[-8000:], file=sys.stderr)
    return done.returncode == 0


def fuzz_python(target: str, seconds: int) -> bool:
    """A fuzzer in Python; a round that fails is seen again with --only SEED."""
    command = [sys.executable, HERE / f"{target}.py", "--seconds", str(seconds)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    says = f"{done.stdout.strip()} in {seconds} s"
    print(f"{target}: {says if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stderr[-8000:], file=sys.stderr)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together, on one CPU")
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "fuzz")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    targets = options.targets or [*PYTHON, *sorted(source.stem for source in HERE.glob("*_fuzz.cpp"))]
    targets.sort(key=lambda target: -WEIGHTS.get(target, 1))  # the longest first
    if "gpu_decoder_fuzz" in targets:
        record_seeds(options.build)

    def run(target: str, seconds: int) -> bool:
        return fuzz_python(target, seconds) if target in PYTHON else fuzz(options.build, target, seconds)

    total = sum(WEIGHTS.get(target, 1) for target in targets)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = [
            pool.submit(run, target, max(2, options.seconds * WEIGHTS.get(target, 1) // total)) for target in targets
        ]
    return 0 if all(run.result() for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
