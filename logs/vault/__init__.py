"""The restricted world: a process of its own with its own login and keys; listens on nothing."""
