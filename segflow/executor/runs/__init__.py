"""One run of a rule: its audience, the gate, the sends, and the account of them."""
