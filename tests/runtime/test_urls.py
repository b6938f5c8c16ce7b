"""URL and URLSearchParams in a sandbox."""

from __future__ import annotations

import json
from pathlib import Path

from web_script import values

URLS = [
    ("http://EXAMPLE.com:80/a/../b?q=1#f", None, "http://example.com/b?q=1#f"),
    ("../x?y", "http://h/a/b/c?d#e", "http://h/a/x?y"),
    ("//foo/bar", "https://h/", "https://foo/bar"),
    ("?x", "http://h/p?q#r", "http://h/p?x"),
    ("#x", "about:blank", "about:blank#x"),
    ("http:\\\\x\\y", None, "http://x/y"),
    ("http://[2001:DB8::0:1]:8080/", None, "http://[2001:db8::1]:8080/"),
    ("http://[::ffff:1.2.3.4]/", None, "http://[::ffff:102:304]/"),
    ("http://[1:2:0:0:5:0:0:0]/", None, "http://[1:2:0:0:5::]/"),
    ("http://0x7f.1/", None, "http://127.0.0.1/"),
    ("http://%41.com", None, "http://a.com/"),
    ("http://münchen.de/ä?ö#ü", None, "http://xn--mnchen-3ya.de/%C3%A4?%C3%B6#%C3%BC"),
    ("http://日本語。jp/", None, "http://xn--wgv71a119e.jp/"),
    ("http://u:p@ss@h/", None, "http://u:p%40ss@h/"),
    (" http://h\no\tst/ ", None, "http://host/"),
    ("file:///C|/x/../y", None, "file:///C:/y"),
    ("/z", "file:///C:/a/b", "file:///C:/z"),
    ("mailto:a@b", None, "mailto:a@b"),
    ("data:text/plain, x y #z ", None, "data:text/plain, x y%20#z"),
    ("web+demo:/.//not-a-host/", None, "web+demo:/.//not-a-host/"),
    ("non-special://h:99/./p/..//", None, "non-special://h:99//"),
    ("http://256.256.256.256/", None, None),
    ("http://a b/", None, None),
    ("http://h:65536/", None, None),
    ("http://[1::2::3]/", None, None),
    ("http://xn--/", None, None),
    ("http://a.1/", None, None),
    ("relative", None, None),
    ("x", "mailto:a", None),
]


def test_url_parsing(tmp_path: Path) -> None:
    cases = json.dumps([[url, base] for url, base, _ in URLS])
    script = f"results.hrefs = {cases}.map(([url, base]) => URL.parse(url, base ?? undefined)?.href ?? null);"
    found = values(tmp_path, script)["hrefs"]
    assert found == [href for _, _, href in URLS]


def test_url_setters(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const url = new URL("https://a.b/c?x=1");
        url.searchParams.append("z", "a b&");
        url.port = "8443";
        url.hash = "h i";
        url.pathname = "/q/../w x";
        url.username = "me@";
        url.hostname = "new.host:99";
        url.protocol = "ftp";
        results.href = url.href;
        url.host = "[::1]:7";
        url.port = "x";
        url.search = "?k=v";
        results.params = [...url.searchParams];
        url.searchParams.delete("k");
        url.hash = "";
        results.after = url.toString();
        results.origin = url.origin;
        results.invalid = attempt(() => { url.href = "nothing"; });
        results.json = JSON.stringify({ url: new URL("http://q") });
        results.canParse = [URL.canParse("x", "http://h"), URL.canParse("x")];
        """,
    ) == {
        "href": "ftp://me%40@a.b:8443/w%20x?x=1&z=a+b%26#h%20i",
        "params": [["k", "v"]],
        "after": "ftp://me%40@[::1]:7/w%20x",
        "origin": "ftp://[::1]:7",
        "invalid": "TypeError",
        "json": '{"url":"http://q/"}',
        "canParse": [True, False],
    }


def test_url_search_params(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const params = new URLSearchParams("?b=1&a=%F0%9F%98%80+x&b=2&%zz&=");
        results.entries = [...params];
        params.append("a", "ü*");
        params.sort();
        results.sorted = params.toString();
        params.set("b", "3");
        params.delete("a", "ü*");
        results.changed = [params.getAll("b"), params.get("nope"), params.has("a"), params.size];
        results.record = String(new URLSearchParams({ x: 1, y: "&" }));
        results.pairs = String(new URLSearchParams(new Map([["k", "v"]])));
        results.bad = attempt(() => new URLSearchParams([["lonely"]]));
        """,
    ) == {
        "entries": [["b", "1"], ["a", "😀 x"], ["b", "2"], ["%zz", ""], ["", ""]],
        "sorted": "=&%25zz=&a=%F0%9F%98%80+x&a=%C3%BC*&b=1&b=2",
        "changed": [["3"], None, True, 4],
        "record": "x=1&y=%26",
        "pairs": "k=v",
        "bad": "TypeError",
    }
