"""Functions of this program, packed for a sandbox: their source, and what they use of the program around them."""
