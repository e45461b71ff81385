"""`python -m i2db`: the command line."""

from i2db.cli.main import main

if __name__ == "__main__":
    main()
