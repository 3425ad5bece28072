"""`python -m unimeter` is the command `unimeter`."""

from unimeter.cli import main

if __name__ == "__main__":
    main()
