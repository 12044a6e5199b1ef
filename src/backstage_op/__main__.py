"""``python -m backstage_op`` is the command line."""

from backstage_op.cli import main

if __name__ == "__main__":
    main()
