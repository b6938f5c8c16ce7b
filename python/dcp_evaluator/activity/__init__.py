"""Signs that somebody uses the machine, one per file: terminals, the screensaver."""
