"""Makes the voices that ship: trunk, features, heads, and the yardstick that chooses between voices."""
