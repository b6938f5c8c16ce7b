"""writeBuffer of much data into large buffers, which the host copies to where they lie if nobody uses them."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run

_LARGE = """
  const device = await newDevice();
  const SIZE = 1 << 20, WORDS = SIZE / 4;
  const large = (usage = 0) => device.createBuffer({ size: SIZE, usage: U.COPY_SRC | U.COPY_DST | usage });
  const filled = (value, words = WORDS) => new Uint32Array(words).fill(value);
  const copy = (from, to) => {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, SIZE);
    device.queue.submit([encoder.finish()]);
  };
  /** [value, how often] of each run of equal words. */
  const runs = async (buffer) => {
    const found = [];
    for (const value of await read(device, buffer, Uint32Array)) {
      if (found.length > 0 && found.at(-1)[0] === value) found.at(-1)[1]++;
      else found.push([value, 1]);
    }
    return found;
  };
"""
_WORDS = 1 << 18


def test_what_is_not_written_is_zero(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _LARGE
        + """
        for (let i = 0; i < 4; i++) {  // memory that has been used before
          const old = large();
          device.queue.writeBuffer(old, 0, filled(0xdeadbeef));
          await device.queue.onSubmittedWorkDone();
          old.destroy();
        }
        const buffer = large(U.STORAGE);
        device.queue.writeBuffer(buffer, 1 << 16, filled(1, 1 << 15));
        results.runs = await runs(buffer);
        """,
    )
    assert found["runs"] == [[0, 1 << 14], [1, 1 << 15], [0, _WORDS - 3 * (1 << 14)]]


def test_writes_keep_their_place_among_submissions_and_other_writes(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _LARGE
        + """
        const [buffer, before, between, last] = [large(), large(), large(), large()];
        const write = (value, offset = 0, words = WORDS) =>
          device.queue.writeBuffer(buffer, offset, filled(value, words));
        write(1);
        copy(buffer, before);  // the GPU may still read what comes next overwrites
        write(2);
        write(3, 0, 1);        // a small one that waits, and a large one after it
        write(4, 0, WORDS / 2);
        copy(buffer, between);
        await device.queue.onSubmittedWorkDone();
        write(5, 8, 1 << 15);
        write(6, 4, 1 << 15);  // not where a mapping may begin
        copy(buffer, last);
        results.runs = [await runs(before), await runs(between), await runs(last)];
        """,
    )
    half, part = _WORDS // 2, 1 << 15
    assert found["runs"] == [
        [[1, _WORDS]],
        [[4, half], [2, half]],
        [[4, 1], [6, part], [5, 1], [4, half - part - 2], [2, half]],
    ]


def test_a_write_during_mappings_of_other_buffers(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _LARGE
        + """
        const targets = Array.from({ length: 4 }, () =>
          device.createBuffer({ size: SIZE, usage: U.MAP_READ | U.COPY_DST }));
        const buffer = large();
        results.sums = [];
        for (let round = 1; round <= 3; round++) {
          device.queue.writeBuffer(buffer, 0, filled(round));
          targets.forEach((target) => copy(buffer, target));
          const mapped = targets.map((target) => target.mapAsync(GPUMapMode.READ));
          await mapped[0];
          device.queue.writeBuffer(buffer, 0, filled(100));
          await Promise.all(mapped);
          results.sums.push(targets.map((target) => new Uint32Array(target.getMappedRange()))
            .every((words) => words.every((word) => word === round)));
          targets.forEach((target) => target.unmap());
        }
        results.last = await runs(buffer);
        """,
    )
    assert found["sums"] == [True] * 3
    assert found["last"] == [[100, _WORDS]]


def test_errors_are_those_of_any_write(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _LARGE
        + """
        const buffer = large(), gone = large();
        gone.destroy();
        const write = (target, offset, words) => () =>
          device.queue.writeBuffer(target, offset, filled(1, words));
        results.errors = [];
        for (const action of [
          write(buffer, 1 << 19, WORDS), write(buffer, 2, 1 << 15), write(gone, 0, WORDS),
          () => device.createBuffer({ size: SIZE, usage: U.MAP_READ | U.COPY_DST | U.STORAGE }),
          () => device.createBuffer({ size: SIZE, usage: U.MAP_WRITE | U.COPY_SRC | U.COPY_DST }),
          () => { results.mapped = rejected(buffer.mapAsync(GPUMapMode.WRITE)); },
        ]) results.errors.push(await errorOf(device, action) !== null);
        results.mapped = await results.mapped;
        results.usage = buffer.usage === (U.COPY_SRC | U.COPY_DST);
        results.runs = await runs(buffer);
        """,
    )
    assert found["errors"] == [True] * 6
    assert found["mapped"] == "OperationError"
    assert found["usage"] is True
    assert found["runs"] == [[0, _WORDS]]
