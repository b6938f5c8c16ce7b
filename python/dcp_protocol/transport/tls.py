"""TLS with the certificates of the system."""

from __future__ import annotations

import asyncio
import ssl


async def system_context() -> ssl.SSLContext:
    """Reads the system's certificates, or those of SSL_CERT_FILE: anew each time, since systems renew them."""
    return await asyncio.to_thread(ssl.create_default_context)
