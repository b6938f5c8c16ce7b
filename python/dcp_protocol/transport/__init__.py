"""Texts to and from a peer: Socket.IO over Engine.IO, with DCP's announcements and fragments above.

The machines do no I/O: ``client_machine`` and ``server_machine`` take packets and times and give packets and events.
"""
