"""The engine: what two IKE peers say, know and become; and a listener who follows them."""
