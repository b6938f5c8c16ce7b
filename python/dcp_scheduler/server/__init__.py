"""The network's door: pages over HTTP, services by DCP's protocol."""
