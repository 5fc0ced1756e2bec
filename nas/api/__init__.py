"""The verbs as functions: what a script or a notebook calls, and the results that it gets."""
