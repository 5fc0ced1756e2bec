"""The most that a network and a space may have; more is a slip of the keyboard, or malice.

Each limit is at least ten times what the largest published networks have, scaled ones included, and
so small that code which visits all blocks or options answers within a second or two.
"""

MOST_LAYERS = 10_000
"""Blocks of a network, all stages together. EfficientNet-B7 has 55, the deepest ResNet 600; the
deepest network known to have been trained has 10,000 layers (arXiv 1806.05393)."""
MOST_STAGES = 1_000
"""Stages of a network. Networks with a stage for every layer have about 60."""
MOST_CHANNELS = 1_000_000
"""Channels of a feature map. BiT's widest has 8,192, EfficientNet-L2's head 5,504."""
MOST_KERNEL = 1_023
"""The side of a kernel in pixels. PeLK's largest is 101."""
MOST_EXPAND = 1_000_000
"""The ratio of a block's inner channels to its input's, limited as channels are. Published ratios
go up to 6 or 8."""
MOST_PIXELS = 65_536
"""The side of the input in pixels. EfficientNet-L2 takes 800."""
MOST_CLASSES = 100_000_000
"""Classes of a network. ImageNet-21k has 21,841, the largest data sets of faces some millions."""
MOST_NAME = 160
"""Bytes of a name in UTF-8. A name becomes part of the name of a file, which may have 255."""
MOST_OPTIONS = 20_000
"""Options of a space, all its choices together. MnasNet's space here has 175."""
MOST_CHOICES = 1_000
"""Choices of a space. Spaces that choose every layer's operation have a few dozen."""
