"""The HR world: cases without an identifying column, read behind a database role of their own."""
