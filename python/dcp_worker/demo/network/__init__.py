"""A network on this machine for a minute: a scheduler, two workers, a job from Python and one from npm's client."""
