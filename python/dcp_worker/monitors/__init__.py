"""What can be seen of the machine: files of the kernel, and what other programs tell over D-Bus.

Readers of files take the root folder of their tree, ``/`` but in tests.
"""
