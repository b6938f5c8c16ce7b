"""What a service manager such as systemd gives a service, and is told by it; for dcp_worker too."""
