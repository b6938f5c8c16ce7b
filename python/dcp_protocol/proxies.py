"""The HTTP proxies that the environment names."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from .errors import ProtocolError


def proxy_for(url: str) -> str | None:
    """The proxy's URL, None where the service is to be reached without one.

    Looks at http_proxy, https_proxy and no_proxy, as curl does. Raises ProtocolError (EPROXY) where such a variable
    names no http or https proxy.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = getproxies_environment().get(parts.scheme)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        to = urlsplit(proxy)
        is_usable = to.scheme in ("http", "https") and bool(to.hostname) and to.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        reason = f"the variable {parts.scheme}_proxy names no proxy: it must be a URL such as http://proxy.example:3128"
        raise ProtocolError("EPROXY", reason)
    return proxy
