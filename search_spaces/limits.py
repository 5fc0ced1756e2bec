"""The most that a network and a space may have; more is a slip of the keyboard, or malice.

Each is at least ten times what the largest published networks have, scaled ones included, and
small enough that whatever walks the blocks or options answers within a second or two.
"""

MOST_LAYERS = 10_000
"""Blocks of a network, all stages together. EfficientNet-B7 has 55, the deepest ResNet 600; the
deepest network known to have been trained has 10,000 layers (arXiv 1806.05393)."""
MOST_STAGES = 1_000
"""Of a network. Those that spell every layer as a stage of its own have some 60."""
MOST_CHANNELS = 1_000_000
"""Of a feature map. BiT's widest has 8,192, EfficientNet-L2's head 5,504."""
MOST_KERNEL = 1_023
"""Pixels a side. PeLK's is 101."""
MOST_EXPAND = 1_000_000
"""Inner channels over a block's own: as many as channels. Published ones go to 6 or 8."""
MOST_PIXELS = 65_536
"""A side of the input. EfficientNet-L2 takes 800."""
MOST_CLASSES = 100_000_000
"""ImageNet-21k has 21,841, the largest sets of faces some millions."""
MOST_NAME = 160
"""Bytes of a name in UTF-8. Names become names of files, which may have 255 with what is added."""
MOST_OPTIONS = 20_000
"""Of a space, all its choices together. MnasNet's space here has 175."""
MOST_CHOICES = 1_000
"""Of a space. Those that choose every layer's operation have a few dozen."""
