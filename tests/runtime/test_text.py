"""TextEncoder, TextDecoder, atob and btoa in a sandbox."""

from __future__ import annotations

from pathlib import Path

from web_script import values


def test_text_encoder(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const encoder = new TextEncoder();
        results.bytes = [...encoder.encode("h€😀\\ud800")];
        results.none = encoder.encode().length;
        const into = new Uint8Array(6);
        results.into = encoder.encodeInto("a€😀", into);
        results.filled = [...into];
        results.small = encoder.encodeInto("😀", new Uint8Array(3));
        results.wrong = attempt(() => encoder.encodeInto("a", new Uint16Array(3)));
        """,
    ) == {
        "bytes": [*"h€😀�".encode()],
        "none": 0,
        "into": {"read": 2, "written": 4},
        "filled": [*"a€".encode(), 0, 0],
        "small": {"read": 0, "written": 0},
        "wrong": "TypeError",
    }


def test_text_decoder(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const bytes = (...list) => Uint8Array.from(list);
        const decode = (list, ...options) => new TextDecoder(...options).decode(bytes(...list));
        results.bom = decode([0xef, 0xbb, 0xbf, 0x61]).length;
        results.keptBom = decode([0xef, 0xbb, 0xbf, 0x61], "utf-8", { ignoreBOM: true }).length;
        results.illFormed = decode([0x61, 0xf0, 0x9f, 0x98, 0x61, 0xff, 0xed, 0xa0, 0x80, 0xc0, 0x80]);
        results.fatal = attempt(() => decode([0xff], "utf-8", { fatal: true }));
        results.utf16 = decode([0x61, 0, 0x3d, 0xd8, 0, 0xde, 0x3d, 0xd8], "utf-16le");
        results.big = decode([0, 0x61], "utf-16be");
        results.latin1 = decode([0x80, 0xe9], "latin1");
        results.labels = [new TextDecoder(" UTF8 ").encoding, new TextDecoder("ascii").encoding];
        results.unknown = attempt(() => new TextDecoder("no-such"));
        const stream = new TextDecoder();
        results.stream = "";
        for (const byte of new TextEncoder().encode("\\ufeffa€😀z")) {
          results.stream += stream.decode(bytes(byte), { stream: true });
        }
        results.stream += stream.decode();
        stream.decode(bytes(0xe2, 0x82), { stream: true });
        results.cut = stream.decode();
        const shared = new Uint8Array(new SharedArrayBuffer(3));
        shared.set(bytes(0xe2, 0x82, 0xac));
        results.shared = new TextDecoder().decode(shared);
        results.part = new TextDecoder().decode(new DataView(bytes(0x61, 0x62, 0x63).buffer, 1, 1));
        """,
    ) == {
        "bom": 1,
        "keptBom": 2,
        "illFormed": b"a\xf0\x9f\x98a\xff\xed\xa0\x80\xc0\x80".decode(errors="replace"),
        "fatal": "TypeError",
        "utf16": "a😀�",
        "big": "a",
        "latin1": "€é",
        "labels": ["utf-8", "windows-1252"],
        "unknown": "RangeError",
        "stream": "a€😀z",
        "cut": "�",
        "shared": "€",
        "part": "b",
    }


def test_base64(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        results.encoded = ["", "f", "fo", "foo", "\\xff\\x00"].map(btoa);
        results.decoded = ["", "Zg==", "Zg", " Zm 8 = ", "Zm9v"].map((text) => atob(text));
        results.high = atob("/wA=").charCodeAt(0);
        results.bad = ["Z", "Zg=", "Zg===", "Z!==", "====", "Zg==Zg=="].map((text) => attempt(() => atob(text)));
        results.wide = attempt(() => btoa("€"));
        """,
    ) == {
        "encoded": ["", "Zg==", "Zm8=", "Zm9v", "/wA="],
        "decoded": ["", "f", "f", "fo", "foo"],
        "high": 255,
        "bad": ["InvalidCharacterError 5"] * 6,
        "wide": "InvalidCharacterError 5",
    }
