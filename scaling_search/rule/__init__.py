"""The rule by which networks grow."""
