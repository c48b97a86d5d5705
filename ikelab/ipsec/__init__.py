"""How packets are protected once IKE has agreed on keys: ESP and AH, the policies that ask for them, the SAs in use.

Everything is a frozen value and every verb a pure function: what is refused is a `Refused` with its reason and clause,
never an exception, and leaves the SA as it was.

- `traffic`: which packets are meant: selectors, and what they look at in a packet.
- `policy`: the SPD, whose first policy that covers a packet says protect, bypass or discard.
- `association`: what two ends agreed on for one direction, and what changes: a counter, or a window.
- `sad`: all SAs in use, what they have carried and refused; to be read as a table.
- `boundary`: a packet leaves or enters a host or gateway: route, policy, SA, or "IKE, please".
- `protect`, `unprotect`: one packet on one SA, on its way out and in.
- `window`: how a replay is known, and how the unsent half of a sequence number is found.
- `refused`: every reason why a packet does not pass.
- `esp`, `ah`: the octets, made and opened; `packet`, `inner`: what somebody who only listens makes of them.
- `coverage`: what of a packet is encrypted, and what the ICV covers.
"""
