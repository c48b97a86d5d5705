"""`python -m ikelab.cli`: the `ikelab` command where no script of that name is installed."""

from ikelab.cli import main

main(prog_name="ikelab")
