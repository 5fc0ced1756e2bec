"""Where in an image a network sees a class."""
