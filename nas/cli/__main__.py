"""`python -m nas.cli`, as launchers such as torchrun start it."""

from nas.cli import main

main()
