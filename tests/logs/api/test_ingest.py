"""Services deliver: receipts, refusals, idempotency, strictness, through HTTP as they would."""
