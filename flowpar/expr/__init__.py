"""`${{ … }}`: Python-subset expressions, parsed, typed and evaluated; never given to `eval`."""
