"""Control of a running worker: a Unix socket that speaks JSON-RPC, a client for it, and the status that it tells."""
