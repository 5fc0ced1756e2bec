"""How long a network takes: measured, tabulated, estimated."""
