"""toLocaleString and localeCompare are those of en-US on both engines; QuickJS, without Intl, refuses what needs it."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import pytest
from web_script import values


def test_numbers_and_dates_read_as_in_en_us(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        results.numbers = [1234567.891, 0, -0, NaN, -Infinity, 1e21, 1.0005, 0.0005, 123456789012345680000, 1e-7,
          -1234.5, 999.9995, 0.9996, 12.5, 100, 1e6].map((x) => x.toLocaleString());
        results.digits = [[0.5, 0, 0], [1.5, 0, 0], [1234.5, 2, 2], [0.045, 0, 2], [1e-7, 2, 8], [99.999, 1, 2]].map(
          ([x, minimumFractionDigits, maximumFractionDigits]) =>
            x.toLocaleString("en-US", { minimumFractionDigits, maximumFractionDigits }));
        results.ungrouped = (12345.6).toLocaleString(undefined, { useGrouping: false, minimumIntegerDigits: 7 });
        results.bigints = [12345678901234567890n, -1234n, 0n].map((x) => x.toLocaleString());
        const date = new Date(2026, 10, 9, 15, 4, 5);
        const dates = [date.toLocaleString(), date.toLocaleDateString(), date.toLocaleTimeString("en-US"),
          new Date(2026, 0, 1).toLocaleTimeString(), new Date(NaN).toLocaleString(),
          date.toLocaleTimeString(undefined, { hour12: false, timeZoneName: "short" }), // as emscripten asks
          new Date(2026, 0, 1).toLocaleString("en-US", { hour12: false }),
          date.toLocaleDateString("en-US", { timeZoneName: "short" })];
        results.dates = dates.map((text) => text.replace("\\u202f", " "));
        results.lists = [[1234.5, null, undefined, [1e4]].toLocaleString(),
          new Float32Array([1234.5, 2]).toLocaleString(),
          [1.5].toLocaleString("en-US", { minimumFractionDigits: 2 })];
        results.upper = ["i".toLocaleUpperCase("en-US"), "I".toLocaleLowerCase()];
        results.lengths = [Number, Date, Array].map((type) => type.prototype.toLocaleString.length);
        results.wrong = [() => Number.prototype.toLocaleString.call("1"), () => Date.prototype.toLocaleString.call({}),
          () => (1).toLocaleString("en-US", null),
          () => (1).toLocaleString("en-US", { minimumFractionDigits: 101 })].map(attempt);
        """,
    )
    assert found == {
        "numbers": [
            *("1,234,567.891", "0", "-0", "NaN", "-∞", "1,000,000,000,000,000,000,000", "1.001", "0.001"),
            *("123,456,789,012,345,680,000", "0", "-1,234.5", "1,000", "1", "12.5", "100", "1,000,000"),
        ],
        "digits": ["1", "2", "1,234.50", "0.05", "0.0000001", "100.0"],
        "ungrouped": "0012345.6",
        "bigints": ["12,345,678,901,234,567,890", "-1,234", "0"],
        "dates": [
            *("11/9/2026, 3:04:05 PM", "11/9/2026", "3:04:05 PM", "12:00:00 AM", "Invalid Date"),
            *("15:04:05 UTC", "1/1/2026, 00:00:00", "11/9/2026, UTC"),
        ],
        "lists": ["1,234.5,,,10,000", "1,234.5,2", "1.50"],
        "upper": ["I", "i"],
        "lengths": [0, 0, 0],
        "wrong": ["TypeError", "TypeError", "TypeError", "RangeError"],
    }


def test_strings_are_in_the_order_of_a_dictionary(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        const sorted = (words, ...options) => words.sort((a, b) => a.localeCompare(b, ...options));
        results.ascii = sorted(Array.from({ length: 95 }, (_, i) => String.fromCharCode(126 - i))).join("");
        results.words = sorted(["z", "résumé", "Resume", "résumés", "resume", "B", "ä", "b", "a", "co-op", "coop", "é",
          "f", "e"]);
        results.numeric = sorted(["a10", "a9", "a09", "b1", "a100"], undefined, { numeric: true });
        results.base = ["a".localeCompare("A", "en", { sensitivity: "base" }), "a".localeCompare("á", "en",
          { sensitivity: "base" }), "a".localeCompare("á", "en", { sensitivity: "accent" }),
          "a".localeCompare("A", "en", { sensitivity: "accent" })];
        results.equal = ["\\u00e9".localeCompare("e\\u0301"), "".localeCompare(""), "x".localeCompare("x")];
        """,
    )
    assert found == {
        "ascii": " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789" + "".join(c + c.upper() for c in ascii_lowercase),
        "words": ["a", "ä", "b", "B", "co-op", "coop", "e", "é", "f", "resume", "Resume", "résumé", "résumés", "z"],
        "numeric": ["a9", "a09", "a10", "a100", "b1"],
        "base": [0, 0, -1, 0],
        "equal": [0, 0, 0],
    }  # fmt: skip


@pytest.mark.engine("quickjs")
def test_what_needs_intl_says_so(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        results.refused = [
          () => (1).toLocaleString("de-DE"), () => (1).toLocaleString("en-US", { style: "currency", currency: "EUR" }),
          () => (1n).toLocaleString(["en-US", "fr"]), () => new Date().toLocaleString("en-GB"),
          () => new Date().toLocaleDateString("en-US", { weekday: "long" }), () => [1].toLocaleString("de"),
          () => "a".localeCompare("b", "sv"), () => "i".toLocaleUpperCase("tr"),
          () => "a".localeCompare("b", "en", { caseFirst: "upper" }),
        ].map((call) => { try { return call(); } catch (error) { return `${error.name}: ${error.message}`; } });
        """,
    )["refused"]
    assert found[0] == (
        'TypeError: Number.prototype.toLocaleString: the locale "de-DE" is not known: this engine has no Intl, '
        "and follows en-US alone; the engine v8 has it"
    )
    assert "the option style: currency is not known" in found[1]
    assert all(text.startswith("TypeError") and "engine v8" in text for text in found)
