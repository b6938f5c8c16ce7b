"""Jobs on a DCP network: deployed to its scheduler as npm's dcp-client 5 does, and done by its workers."""
