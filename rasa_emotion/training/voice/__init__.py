"""The voice that ships: lines, views, trunk, heads, and the yardstick that chooses between voices."""
