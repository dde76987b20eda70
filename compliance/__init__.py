"""Turns facts into proof. Its rooms are opened when their work comes."""
