"""The published systems, trained again: one recipe each, their own protocol beside a speaker-disjoint one."""
