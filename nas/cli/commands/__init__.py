"""The verbs of `nas-search`: plain configuration in, files and a table out."""
