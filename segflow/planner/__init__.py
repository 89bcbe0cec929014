"""Desired against deployed: what differs, whom it moves, and the plan that apply follows. Pure."""
