"""Numbers and names become secrets: hashes, ciphers, Diffie-Hellman groups, and RFC 2409's formulas."""
