"""The network's page for people: a site without state of its own, and requests that browsers sign."""
