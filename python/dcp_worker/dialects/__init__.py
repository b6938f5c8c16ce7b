"""DCP's dialects 4 and 5: messages to and from a scheduler and to sandboxes, made of the values of ``tasks``."""
