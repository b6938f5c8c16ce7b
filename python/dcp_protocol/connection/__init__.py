"""Connections: sessions that outlive their transports. A machine without I/O, and what runs it on asyncio."""
