"""A lab for IKEv1: every octet, secret and state of a negotiation can be looked at."""

__version__ = "0.1.0.dev0"
