"""Octets and values: what every field of an ISAKMP message is, where it lies, and how to write it again."""
