"""Keystores: private keys in files, encrypted with a passphrase, as DCP's programs read and write them."""
