"""Signing in, sessions and the second factor: who somebody is before any page opens."""
