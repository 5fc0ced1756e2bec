"""The page of a run as a server shows it: what is new in the run folder appears by itself."""
