"""What leaves the record because its time is over: planned, published, destroyed, certified."""
