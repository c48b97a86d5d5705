"""How packets are protected once IKE has agreed on keys: ESP and AH."""
