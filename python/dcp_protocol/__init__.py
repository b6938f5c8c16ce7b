"""DCP's protocol 5: keys, values and connections, without knowledge of evaluators."""
