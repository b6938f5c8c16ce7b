"""The worker's configuration: DCP's layers of files and variables, and the settings that come of them."""
