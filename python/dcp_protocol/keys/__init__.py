"""Keys, addresses, signatures and hashes, as DCP makes them."""
