"""DCP messages: sealed texts, their bodies, validity and batches. Without I/O and without state of a connection.

Texts are ``bytes`` (UTF-8) everywhere. Large parts are never copied while the interpreter's lock is held: what is
received is cut by position, what is sent is joined once.
"""
